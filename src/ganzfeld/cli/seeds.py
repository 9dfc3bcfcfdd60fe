"""`ganzfeld seeds`: one still a seed."""

from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzfeld.errors import GanzfeldError, NetworkError, OutputError, Where, explained
from ganzfeld.seeds import listed_seeds, seed_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from ganzfeld.networks.network import Network

BATCH = 8
"""Pictures made in one go on a GPU. On a CPU that is no faster, and one at a time is the same to the bit."""
SAVERS = 4
"""Threads that pack PNGs beside it."""


def seeds(
    file: Annotated[Path, typer.Argument(help="A network: .pkl, .pt or .safetensors.")],
    which: Annotated[str, typer.Argument(metavar="SEEDS", help='Which seeds: "7", "0-15", "0-15,33,rain".')],
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures (default: NAME-seeds).")] = None,
    psi: Annotated[float, typer.Option(help="Truncation: 1 is the network's own variety, 0 its average.")] = 1.0,
    cutoff: Annotated[
        int | None, typer.Option(help="How many rows of w the truncation acts on (default: all).")
    ] = None,
    noise_mode: Annotated[str, typer.Option(help='StyleGAN2\'s noise: "const", "random" or "none".')] = "const",
    label: Annotated[float | None, typer.Option(help="Class, for a network that has classes (default: 0).")] = None,
    resolution: Annotated[int | None, typer.Option(help="A smaller picture, where the network makes one.")] = None,
    device: Annotated[str, typer.Option(help='"auto", "cpu" or "cuda".')] = "auto",
) -> None:
    """Write one PNG for each seed: seed0000.png, seed0001.png, …, seed-rain.png.

    A seed means the latent numpy.random.RandomState(seed).randn(1, z_dim), as in the official tools. It is a whole
    number, modulo 2^32, or a word. Write -- before seeds that begin with a minus.
    """
    wanted = parse_seeds(which)  # before the wait for torch
    from rich.progress import Progress

    from ganzfeld.cli._terminal import console, opened_network
    from ganzfeld.networks.device import pick_device

    network = opened_network(file).to(pick_device(device))
    if label is not None and not network.c_dim:
        raise NetworkError("this network has no classes", where=Where(file=str(file)), hint="Leave --label out")
    folder = out or Path(f"{file.stem}-seeds")
    messages = console(stderr=True)
    count = sum(map(len, wanted))
    options = {"psi": psi, "cutoff": cutoff, "noise_mode": noise_mode, "label": label, "resolution": resolution}
    at_once = BATCH if network.device.type == "cuda" and noise_mode != "random" else 1
    with (
        Progress(console=messages, disable=not messages.is_terminal, transient=True) as progress,
        ThreadPoolExecutor(SAVERS) as savers,
    ):
        told, saving = progress.add_task("", total=count), deque()
        for batch in _batched(itertools.chain(*wanted), at_once):
            for seed, picture in zip(batch, stills(network, batch, **options)):
                name = f"seed-{seed}" if isinstance(seed, str) else f"seed{seed:04d}"
                saving.append(savers.submit(_save, folder / f"{name}.png", picture))
                while len(saving) > 2 * SAVERS + BATCH:
                    saving.popleft().result()
                progress.advance(told)
        for each in saving:
            each.result()
    console().print(f"{count} picture{'s' * (count != 1)} in {folder}", markup=False)


def _batched(seeds: Iterable[int | str], count: int) -> Iterator[list[int | str]]:
    """Lists of `count` seeds; the last one may be shorter."""
    left = iter(seeds)
    while batch := list(itertools.islice(left, count)):
        yield batch


def still(network: Network, seed: int | str, **options: Any) -> np.ndarray:
    """A seed's picture, uint8 [H, W, C], exactly as the API gives it. Options: see `stills`."""
    return stills(network, [seed], **options)[0]


def stills(
    network: Network,
    seeds: Sequence[int | str],
    *,
    psi: float = 1.0,
    cutoff: int | None = None,
    noise_mode: str = "const",
    label: float | None = None,
    resolution: int | None = None,
) -> np.ndarray:
    """The pictures of several seeds in one go, uint8 [N, H, W, C]: those that each has alone, but for rounding on a
    device that adds in another order. Random noise is drawn from the first seed, so it wants one seed at a time."""
    import torch

    from ganzfeld.networks.levels import levels_of
    from ganzfeld.networks.network import to_uint8

    with torch.inference_mode():
        z = torch.cat([network.latent(seed) for seed in seeds])
        w = network.mapping(z, label, truncation_psi=psi, truncation_cutoff=cutoff)
        drawn = seed_number(seeds[0])
        image = network.synthesis(w, noise_mode, seed=drawn, resolution=resolution)  # pyright: ignore[reportArgumentType]
        if resolution not in (None, network.size[1]):
            image = levels_of(network, [resolution])[resolution].apply(image)
    return to_uint8(image).cpu().numpy()


def parse_seeds(text: str) -> list[Sequence[int | str]]:
    """ "0-3,rain" -> [range(0, 4), ("rain",)]. Raises GanzfeldError."""
    try:
        return listed_seeds(text)
    except ValueError as error:
        raise GanzfeldError(str(error), hint='Give numbers, ranges and words, like "0-15,33,rain"') from None


def _save(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    channels = pixels.shape[2]
    if channels not in modes:
        raise OutputError(
            f"a picture of {channels} channels cannot be a PNG",
            where=Where(file=str(path)),
            hint="Use the Python API, or `ganzfeld render` with an output .npy",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels, modes[channels]).save(path)
    except OSError as problem:
        what, hint = explained(problem)
        raise OutputError(what, where=Where(file=str(path)), hint=hint) from problem
