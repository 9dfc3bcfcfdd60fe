"""Read a picture as a row of numbers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.alpha import premultiplied
from ganzfeld.kernels.colour import luma
from ganzfeld.kernels.resize import resize

PATHS = ("scan", "rows", "columns", "circle")


def read_along(image: Tensor, path: str, count: int, radius: Tensor) -> Tensor:
    """How bright a picture [1, 4, H, W] is at `count` places along a path: [count]; transparent is dark.

    "scan": cells of a grid over the whole picture, line by line, to and fro, so that neighbours in the row are
    neighbours in the picture. "rows", "columns": their means. "circle": about the middle, from the right and
    anticlockwise; `radius` is 0-d, in heights.
    """
    bright = luma(premultiplied(image))
    height, width = bright.shape[2:]
    if path in ("rows", "columns"):
        # Lying down in both cases: torch 2.13 resizes a picture one pixel wide wrongly on the CPU.
        means = bright.mean(3 if path == "rows" else 2)
        return resize(means[:, :, None], count, 1, "linear").flatten()
    if path == "scan":
        across = max(1, math.ceil(math.sqrt(count * width / height)))
        cells = F.adaptive_avg_pool2d(bright, (math.ceil(count / across), across))[0, 0]
        cells[1::2] = cells[1::2].flip(1)
        return cells.flatten()[:count]
    angle = torch.arange(count, device=image.device) * (2 * math.pi / count)
    grid = torch.stack([angle.cos() * radius * (2 * height / width), angle.sin() * radius * -2], -1)
    return F.grid_sample(bright, grid[None, None], padding_mode="border", align_corners=False).flatten()


def standardised(row: Tensor) -> Tensor:
    """[count] with mean 0 and deviation 1; a row without any contrast becomes zeros."""
    row = row - row.mean()
    return row / row.square().mean().sqrt().clamp_min(1e-3)
