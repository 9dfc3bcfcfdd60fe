"""Directions in w along which pictures change most: found, written to a file, read.

Härkönen, Hertzmann, Lehtinen, Paris, "GANSpace: Discovering Interpretable GAN Controls" (2020): the principal
components of w; and those of an early layer's activations, carried back to w by least squares. An amount of 1 is one
standard deviation of what was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.atomic_write import place_to_write
from ganzfeld.errors import FeederError, NetworkError, NetworkFileError, Where, reason_of
from ganzfeld.feeders.service import OpenFeeder
from ganzfeld.networks.network import Network

COUNT = 20
SAMPLES = 4096
LAYER_SAMPLES = 1024
_SIDE = 8
"""Activations are averaged down to so many places a side before they are analysed: the rest costs memory alone."""
_MOST_NUMBERS = 1 << 26


@dataclass(frozen=True, slots=True)
class Direction:
    """vector: [w_dim], as long as one standard deviation. share: of the variance of what was analysed, 0..1."""

    name: str
    vector: Tensor
    share: float


@torch.inference_mode()
def directions_of_w(network: Network, count: int = COUNT, samples: int = SAMPLES, seed: int = 0) -> list[Direction]:
    """The principal components of w, the largest first: "1", "2", …; at most w_dim. Classes are drawn evenly."""
    w = _sampled(network, samples, seed).double()
    w = w - w.mean(0)
    variances, vectors = torch.linalg.eigh(w.t() @ w / len(w))
    variances = variances.flip(0).clamp(min=0)[:count]
    vectors = _signed(vectors.flip(1)[:, :count].t())
    shares = variances / w.square().mean(0).sum().clamp(min=1e-30)
    return [
        Direction(str(number), (vector * variance.sqrt()).float(), float(share))
        for number, (vector, variance, share) in enumerate(zip(vectors, variances, shares), 1)
    ]


@torch.inference_mode()
def directions_of_layer(
    network: Network,
    layer: str,
    count: int = COUNT,
    samples: int = LAYER_SAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Direction]:
    """How w changes along the principal components of a layer's activations: "b16.1", "L3.2", …

    progress: called with the number of samples done. Raises `NetworkError` for a layer that is not there.
    """
    name = network.layer_name(layer)
    w = _sampled(network, samples, seed)
    features = []
    for part in w.split(8):
        rows = part.to(network.device)[:, None].expand(-1, network.num_ws, -1)
        x = network.synthesis(rows, "none", until=name)
        features.append(F.adaptive_avg_pool2d(x.float(), min(_SIDE, *x.shape[2:])).flatten(1).cpu())
        progress(len(part))
    x = torch.cat(features)
    x = x - x.mean(0)
    w = (w - w.mean(0)).double()
    # Fewer samples than features: the components' coordinates come from the products between samples.
    products = (x @ x.t()).double()
    energies, coordinates = torch.linalg.eigh(products)
    energies, coordinates = energies.flip(0).clamp(min=0), coordinates.flip(1)
    count = min(count, samples - 1)
    # Coordinates are of unit length and uncorrelated, so that least squares takes each by itself.
    vectors = _signed((coordinates[:, :count].t() @ w) / math.sqrt(samples))
    shares = energies / energies.sum().clamp(min=1e-30)
    short = name.partition("_")[0]
    return [Direction(f"{short}.{k + 1}", vectors[k].float(), float(shares[k])) for k in range(count)]


def early_layers(network: Network) -> list[str]:
    """The layers worth looking into first: where the shape of things is decided."""
    known = {word for spec in network.config.specs.values() for word in (spec.name, *spec.aliases)}
    return [layer for layer in network.config.early_layers if layer in known]


def beside(path: Path) -> Path:
    """Where a network's directions lie: face.pkl -> face.directions.npz."""
    return path.with_name(f"{path.stem}.directions.npz")


def check_target(path: Path) -> None:
    """Raise `NetworkFileError` if no directions can be written there."""
    if path.suffix not in (".npz", ".safetensors"):
        raise NetworkFileError(f"{path.name} is no file of directions", hint="End its name in .npz or .safetensors")
    if not path.parent.is_dir():
        raise NetworkFileError(f"there is no folder {path.parent}", hint="Make it, or write elsewhere with --out")


def write_directions(path: Path, directions: list[Direction]) -> None:
    """Write vectors by name, .npz or .safetensors. Raises `NetworkFileError`."""
    check_target(path)
    vectors = {direction.name: direction.vector.numpy() for direction in directions}
    try:
        path = place_to_write(path)
        if path.suffix == ".safetensors":
            from safetensors.numpy import save_file

            save_file(vectors, path)
        else:
            np.savez(path, **vectors)  # pyright: ignore[reportArgumentType]
    except OSError as error:
        raise NetworkFileError(f"{path} cannot be written: {reason_of(error)}", where=Where(str(path))) from None


class Directions(dict[str, Tensor]):
    """A file's directions by name. bad: what is wrong with those that are none, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: dict[str, FeederError] = {}


def read_directions(path: Path) -> Directions:
    """Every array of a file by its name, [w_dim] or [num_ws, w_dim], for an amount of 1. Nothing in it is run.

    Files by others will do as well: each array is one direction. One that is none costs the others nothing. Raises
    `NetworkFileError`, also where there is no good one.
    """
    try:
        if path.suffix.lower() not in (".npz", ".safetensors"):
            raise FeederError(f"'{path.suffix}' is neither .npz nor .safetensors")
        feeder = OpenFeeder("array", path, slots=1)
        try:
            shapes = {name: tuple(shape) for name, _, shape in feeder.facts}
            found, numbers = Directions(), 0
            for name, shape in shapes.items():
                try:
                    if (count := numbers + math.prod(shape)) > _MOST_NUMBERS:
                        raise FeederError(f"{count:,} numbers are more than directions have")
                    numbers = count
                    found[name] = _vector(feeder.ask("read", name=name, tries=2).array, shape)
                except FeederError as error:
                    found.bad[name] = error
            if not found:
                raise next(iter(found.bad.values()))
            return found
        finally:
            feeder.close()
    except FeederError as error:
        missing = not path.exists()
        what = f"there is no file {path.name}" if missing else f"{path.name} holds no directions: {error.what}"
        hint = "A .npz or .safetensors file is expected, one array [w_dim] for each direction"
        raise NetworkFileError(
            what, where=Where(str(path)), hint="Make it: ganzfeld directions NETWORK" if missing else error.hint or hint
        ) from None


def _vector(array: np.ndarray | None, shape: tuple[int, ...]) -> Tensor:
    if array is None or array.dtype != np.float32 or array.shape != shape:
        raise FeederError("it has changed while it was read")
    vector: np.ndarray = array[0] if array.ndim == 3 and len(array) == 1 else array
    if vector.ndim not in (1, 2) or not vector.size:
        raise FeederError(f"an array of {vector.shape} is none")
    return torch.from_numpy(vector.copy())


def _sampled(network: Network, samples: int, seed: int) -> Tensor:
    """w of random latents [samples, w_dim], on the CPU; the same on every machine."""
    if samples < 2:
        raise NetworkError("directions are found from two samples or more")
    random = np.random.RandomState(seed)
    z = torch.from_numpy(random.randn(samples, network.z_dim)).float()
    label = torch.from_numpy(random.randint(0, max(network.c_dim, 1), samples))
    parts = []
    for latents, labels in zip(z.split(256), label.split(256)):
        parts.append(network.mapping(latents, labels if network.c_dim else None)[:, 0].cpu())
    return torch.cat(parts)


def _signed(vectors: Tensor) -> Tensor:
    """Of the two signs the one that makes the largest number positive, so that runs agree. [K, D]"""
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * torch.where(largest < 0, -1.0, 1.0)
