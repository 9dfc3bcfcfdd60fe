"""Numbers that tell how near drawn pictures come to rendered ones.

Sliced Wasserstein distance on Laplacian pyramids (Karras et al. 2018, ×1000), precision and recall (Kynkäänniemi et
al. 2019) on the pictures shrunk to 16×16, and how far each picture is from the most similar other one of its own set,
which falls when modes collapse. `forms` describes a figure whatever its colour, turn and mirroring.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Draw = Callable[[int], Tensor]


def collect(draw: Draw, count: int, size: int, chunk: int = 128) -> Tensor:
    """``count`` pictures shrunk to at most ``size`` pixels, in half precision on the device."""
    parts = []
    for _ in range(count // chunk):
        made = draw(chunk)
        parts.append((F.avg_pool2d(made, made.shape[-1] // size) if made.shape[-1] > size else made).half())
    return torch.cat(parts)


@torch.no_grad()
def sliced_wasserstein(first: Tensor, second: Tensor, directions: int = 512, per_picture: int = 64) -> dict[str, float]:
    """The distance at each level of the Laplacian pyramid down to 16 px, ×1000, and their mean."""
    result = {}
    while True:
        size = first.shape[-1]
        last = size <= 16
        levels = []
        for pyramid in (first, second):
            smaller = F.avg_pool2d(pyramid, 2)
            grown = F.interpolate(smaller, scale_factor=2, mode="bilinear", align_corners=False)
            levels.append(pyramid if last else pyramid - grown)
        described = [_descriptors(level, per_picture) for level in levels]
        total = 0.0
        for _ in range(directions // 64):
            axes = F.normalize(torch.randn(described[0].shape[1], 64, device=first.device), dim=0)
            sorted_pair = [(d @ axes).sort(dim=0).values for d in described]
            total += float((sorted_pair[0] - sorted_pair[1]).abs().mean())
        result[str(size)] = 1000 * total / (directions // 64)
        if last:
            break
        first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
    result["mean"] = sum(result.values()) / len(result)
    return result


def _descriptors(level: Tensor, per_picture: int) -> Tensor:
    """7×7 patches at random places, each channel normalised over all of them: ``[n · per_picture, 147]``."""
    n, _, size, _ = level.shape
    device = level.device
    corner = torch.randint(0, size - 6, (2, n, per_picture, 1, 1), device=device)
    offset = torch.arange(7, device=device)
    rows, columns = corner[0] + offset[:, None], corner[1] + offset[None, :]
    which = torch.arange(n, device=device)[:, None, None, None]
    patches = level.permute(0, 2, 3, 1)[which, rows, columns].float()
    patches = (patches - patches.mean((0, 1, 2, 3))) / patches.std((0, 1, 2, 3)).clamp(min=1e-6)
    return patches.reshape(n * per_picture, -1)


@torch.no_grad()
def nearest(query: Tensor, among: Tensor, k: int = 1, same: bool = False) -> tuple[Tensor, Tensor]:
    """Distances to and indices of the k nearest rows; ``same``: both are one set, a row is not its own neighbour."""
    distances, indices = [], []
    for start in range(0, len(query), 1024):
        part = torch.cdist(query[start : start + 1024], among)
        if same:
            part[torch.arange(len(part)), torch.arange(start, start + len(part))] = float("inf")
        near = part.topk(k, largest=False)
        distances.append(near.values)
        indices.append(near.indices)
    return torch.cat(distances), torch.cat(indices)


def coverage(made: Tensor, real: Tensor) -> tuple[float, float]:
    """Precision and recall: the share of ``made`` inside the 3-neighbour balls of ``real``, and the other way round."""

    def inside(points: Tensor, centres: Tensor) -> float:
        radius = nearest(centres, centres, 3, same=True)[0][:, -1]
        hits = [(torch.cdist(part, centres) <= radius).any(1).float().sum() for part in points.split(1024)]
        return float(torch.stack(hits).sum() / len(points))

    return inside(made, real), inside(real, made)


def measure(made: Tensor, real: Tensor, fresh: Tensor) -> dict[str, object]:
    """All numbers for ``made``, and for ``fresh`` (more rendered pictures) in its place."""
    flat = {
        name: F.adaptive_avg_pool2d(x.float(), 16).flatten(1)
        for name, x in (("made", made), ("real", real), ("fresh", fresh))
    }
    numbers: dict[str, object] = {}
    for name, x in (("made", made), ("fresh", fresh)):
        precision, recall = coverage(flat[name], flat["real"])
        own = nearest(flat[name], flat[name], same=True)[0]
        numbers["generated" if name == "made" else "rendered"] = {
            "sliced_wasserstein": sliced_wasserstein(x, real),
            "precision": precision,
            "recall": recall,
            "nearest_in_own_set": {"median": float(own.median()), "1%": float(own.flatten().quantile(0.01))},
        }
    return numbers


@torch.no_grad()
def forms(figures: Tensor, zoom: float = 1.0, circles: int = 24, angles: int = 96) -> Tensor:
    """What a figure ``[n, 1, s, s]`` (0 is dark) is like around its middle: ``[n, circles · angles / 4]``, length 1.

    Light along circles, as magnitudes of its Fourier series: they stay when the figure turns or is mirrored.
    ``zoom`` above 1 looks closer.
    """
    device = figures.device
    radius = torch.linspace(0.04, 0.92, circles, device=device)[:, None] / zoom
    angle = torch.arange(angles, device=device) * (2 * math.pi / angles)
    grid = torch.stack([radius * angle.cos(), radius * angle.sin()], -1).expand(len(figures), -1, -1, -1)
    around = F.grid_sample(figures.float(), grid, mode="bilinear", align_corners=False)[:, 0]
    series = torch.fft.rfft(around, dim=-1, norm="forward").abs()[..., : angles // 4]
    return F.normalize((series * radius.sqrt()).flatten(1), dim=1)


def nearest_forms(figures: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (0..√2) to and index of the most similar of ``known`` (from `forms`), at the best of five sizes."""
    sizes = [nearest(forms(figures, zoom), known) for zoom in (0.87, 0.93, 1.0, 1.07, 1.15)]
    distances, which = torch.cat([d for d, _ in sizes], 1), torch.cat([i for _, i in sizes], 1)
    best = distances.argmin(1, keepdim=True)
    return distances.gather(1, best).flatten(), which.gather(1, best).flatten()
