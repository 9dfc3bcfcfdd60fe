"""The colours of a smaller picture: what a network has drawn by a smaller size is an unfinished sum.

A StyleGAN2 of the "skip" architecture adds up the RGB of its blocks. At a smaller size the last terms are missing, so
the picture is greyer and paler than the whole one. A matrix and an offset for its colours are fitted once to a few
latents, so that the smaller picture has the colours and contrasts of the whole one: the linear map that comes nearest
to the whole picture (least squares), and then the one that gives its result the mean and covariance of the whole
picture's colours again, because least squares alone makes pictures paler where they cannot be told.

The map is linear and comes after the sum, so it is the same as if each block's weights for RGB were multiplied by it:
bends act through it.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import Tensor

from ganzfeld.atomic_write import write_whole
from ganzfeld.folders import cache_folder
from ganzfeld.networks.shipped import FOLDER

if TYPE_CHECKING:
    from ganzfeld.networks.network import Network

log = logging.getLogger(__name__)

PIXELS = 2**18
FEWEST, MOST = 6, 32
PSI = 0.8
"""It is fitted to so many pixels of whole pictures, but pictures between these bounds; and their truncation."""
SMALLEST_VARIANCE = 1e-6
"""Of a colour that a picture hardly has: it is not spread (pictures reach from −1 to 1)."""
LARGEST_FILE = 10_000
LARGEST_NUMBER = 1e4
"""Of either sign; JSON knows none that is not finite."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Levels:
    """colours = matrix · colours + offset. matrix: float32 [C, C]. offset: float32 [C]."""

    matrix: Tensor
    offset: Tensor

    def apply(self, image: Tensor) -> Tensor:
        """image: [N, C, H, W] of about −1..1 -> the same with these levels, in float32."""
        channels = image.float().unbind(1)
        rows = [
            sum((channel * row[i] for i, channel in enumerate(channels)), start=offset)
            for row, offset in zip(self.matrix.unbind(), self.offset.unbind())
        ]
        return torch.stack(rows, dim=1)


_fitted: weakref.WeakKeyDictionary[Network, dict[int, Levels]] = weakref.WeakKeyDictionary()


def levels_of(network: Network, heights: Iterable[int]) -> dict[int, Levels]:
    """height -> what gives `network.synthesis(w, resolution=height)` the colours of the whole picture.

    network: an original, not one that is bent. It is asked for some pictures the first time; what is found is kept in
    memory, and among what can be made again for networks that come from a file. What was found for the networks that
    ship comes with them. Raises `NetworkError` if the network cannot make a picture of such a height.
    """
    known = _fitted.setdefault(network, {})
    heights = list(heights)
    for height in heights:
        network.check_resolution(height)
        for kept in _files(network, height) if height not in known else ():
            if (found := _read(kept, network.config.img_channels)) is not None:
                known[height] = _on_device(network, found)
                break
    missing = [height for height in heights if height not in known]
    for height, found in _fit(network, missing).items() if missing else ():
        known[height] = _on_device(network, found)
        for kept in _files(network, height)[-1:]:
            _write(kept, found)
    return {height: known[height] for height in heights}


def _on_device(network: Network, found: tuple[Tensor, Tensor]) -> Levels:
    matrix, offset = found
    return Levels(matrix.to(network.device, torch.float32), offset.to(network.device, torch.float32))


@torch.no_grad()
def _fit(network: Network, heights: Sequence[int]) -> dict[int, tuple[Tensor, Tensor]]:
    """height -> matrix [C, C] and offset [C], float64 on the host."""
    channels = network.config.img_channels
    moments = {height: torch.zeros(2 * channels + 1, 2 * channels + 1, dtype=torch.float64) for height in heights}
    width, own = network.size
    pictures = min(max(PIXELS // (width * own), FEWEST), MOST)
    for number in range(pictures):
        label = number * network.c_dim // pictures if network.c_dim else None
        w = network.mapping(network.latent(number), label, PSI)
        whole = network.synthesis(w).double()
        for height in heights:
            small = network.synthesis(w, resolution=height).double()
            finished = torch.nn.functional.adaptive_avg_pool2d(whole, (small.shape[2], small.shape[3]))
            colours = torch.cat([torch.ones_like(small[:, :1]), small, finished], dim=1)[0].flatten(1).cpu()
            moments[height] += colours @ colours.T / colours.shape[1] / pictures
    return {height: _mapped(moments[height], channels) for height in heights}


def _mapped(moments: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """From the mean products of (1, smaller picture's colours, whole picture's colours) to matrix and offset."""
    mean = moments[0, 1:]
    covariance = moments[1:, 1:] - torch.outer(mean, mean)
    of_small, of_whole = covariance[:channels, :channels], covariance[channels:, channels:]
    nearest = covariance[channels:, :channels] @ _power(of_small, -1.0)
    result = nearest @ of_small @ nearest.T
    root, again = _power(result, 0.5), _power(result, -0.5)
    matrix = again @ _power(root @ of_whole @ root, 0.5) @ again @ nearest
    return matrix, mean[channels:] - matrix @ mean[:channels]


def _power(symmetric: Tensor, power: float) -> Tensor:
    """A power of a symmetric matrix that has no negative eigenvalue; nothing of what is nearly zero."""
    values, vectors = torch.linalg.eigh((symmetric + symmetric.T) / 2)
    powers = torch.where(values > SMALLEST_VARIANCE, values.clamp_min(SMALLEST_VARIANCE) ** power, 0.0)
    return vectors @ torch.diag(powers) @ vectors.T


def _files(network: Network, resolution: int) -> list[Path]:
    """Where what was found may lie: with the networks that ship, and last, where it is kept."""
    if not network.sha256:
        return []
    name = f"{network.sha256}-{resolution}-{VERSION}.json"
    return [FOLDER / "levels" / name, cache_folder() / "levels" / name]


def _read(path: Path, channels: int) -> tuple[Tensor, Tensor] | None:
    """What was written there, or None if there is nothing that makes sense."""
    try:
        with path.open("rb") as file:
            rows = msgspec.json.decode(file.read(LARGEST_FILE), type=list[list[float]])
    except (OSError, msgspec.DecodeError):
        return None
    numbers = [number for row in rows for number in row]
    if [len(row) for row in rows] != [channels] * (channels + 1) or max(map(abs, numbers), default=0) > LARGEST_NUMBER:
        return None
    values = torch.tensor(rows, dtype=torch.float64)
    return values[:-1], values[-1]


def _write(path: Path, levels: tuple[Tensor, Tensor]) -> None:
    matrix, offset = levels
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.encode([*matrix.tolist(), offset.tolist()]))
    except OSError as error:
        log.info("the colours of smaller pictures were not kept: %s", error)
