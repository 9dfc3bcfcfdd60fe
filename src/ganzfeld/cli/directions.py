"""`ganzfeld directions`: what a network's pictures vary in, as names for a patch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzfeld.errors import OutputError, Where
from ganzfeld.seeds import seed_number

if TYPE_CHECKING:
    from ganzfeld.bending.directions import Direction
    from ganzfeld.networks.network import Network


def directions(
    file: Annotated[Path, typer.Argument(help="A network: .pkl, .pt or .safetensors, or a shipped one's name.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to: .npz or .safetensors (default: NAME.directions.npz beside the network)."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=512, help="How many of w, and of each layer.")] = 20,
    layers: Annotated[
        str, typer.Option(help='Layers to look into as well: "b8,b16", "L3", or "" (default: two early ones).')
    ] = "early",
    samples: Annotated[int, typer.Option(min=16, max=100_000, help="Pictures to look at, for a layer.")] = 1024,
    seed: Annotated[str, typer.Option(help="Which latents are looked at: a number or a word.")] = "0",
    sheet: Annotated[Path | None, typer.Option(help="Also write a picture of them all: a .png or .jpg.")] = None,
    device: Annotated[str, typer.Option(help='"auto", "cpu" or "cuda".')] = "auto",
) -> None:
    """Find the directions in which a network's pictures vary most (GANSpace, Härkönen et al. 2020).

    A patch moves along them by name: face.move("1", "b8*", amount=2*sin(t)), face.move("b16.3", amount=push).
    """
    from rich.progress import Progress

    from ganzfeld.bending.directions import (
        SAMPLES,
        check_target,
        directions_of_layer,
        directions_of_w,
        early_layers,
        write_directions,
    )
    from ganzfeld.cli._terminal import console, opened_network
    from ganzfeld.networks.device import pick_device

    number = seed_number(seed)
    network = opened_network(file).to(pick_device(device))
    listed = [name for name in layers.replace(" ", "").split(",") if name]
    chosen = early_layers(network) if layers == "early" else listed
    for layer in chosen:
        network.layer_name(layer)  # wrong ones are told before the work
    target = out or _target(network.path or file)
    check_target(target)
    messages = console(stderr=True)
    found = directions_of_w(network, count, SAMPLES, number)
    with Progress(console=messages, disable=not messages.is_terminal) as bar:
        for layer in chosen:
            done = partial(bar.advance, bar.add_task(layer, total=samples))
            found += directions_of_layer(network, layer, count, samples, number, done)
    write_directions(target, found)
    if sheet is not None:
        _save(sheet, network, found)
    _show(found, target)


def _target(network: Path) -> Path:
    """Beside the network, where a patch looks; but nothing is written into Ganzfeld itself."""
    from ganzfeld.bending.directions import beside
    from ganzfeld.networks.find import FOLDER

    target = beside(network)
    return Path(target.name) if target.parent == FOLDER else target


def _show(found: list[Direction], target: Path) -> None:
    from rich.table import Table

    from ganzfeld.cli._terminal import console

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("direction")
    table.add_column("of all variance", justify="right")
    for direction in found:
        table.add_row(direction.name, f"{100 * direction.share:.1f} %")
    console().print(table)
    console().print(f"{len(found)} directions in {target}", markup=False)


def _save(path: Path, network: Network, found: list[Direction]) -> None:
    """A picture with a row for each direction: the average picture, moved by −4 to 4."""
    import numpy as np
    import torch
    from PIL import Image

    from ganzfeld.networks.network import to_uint8

    rows = []
    with torch.inference_mode():
        for direction in found:
            ws = [network.average_w() + amount * direction.vector.to(network.device) for amount in (-4, -2, 0, 2, 4)]
            pictures = [to_uint8(network.synthesis(w))[0].cpu().numpy() for w in ws]
            rows.append(np.concatenate([picture[..., :3] for picture in pictures], 1))
    pixels = np.concatenate(rows)
    try:
        Image.fromarray(pixels[..., 0] if pixels.shape[2] < 3 else pixels).save(path)
    except (OSError, ValueError) as problem:
        raise OutputError(f"{path.name} cannot be written: {problem}", where=Where(file=str(path))) from problem
