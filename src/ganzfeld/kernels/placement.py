"""Move, turn and zoom a picture, with a choice of what lies outside it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.alpha import premultiplied, straight

OUTSIDE = ("transparent", "black", "repeat", "mirror", "hold")
FARTHEST = 1e4
"""Places farther out than this many pictures are held here: beyond it, float32 has no pixels left."""
FINEST = 4
"""Places along each side of a pixel that are averaged when a picture is smoothed."""


def placement(x: Tensor, y: Tensor, degrees: Tensor, zoom: Tensor, pivot_x: Tensor, pivot_y: Tensor) -> Tensor:
    """[2, 3]: from a place in the result to the place in the picture that is seen there.

    All amounts are 0-d tensors. Places are in heights of the picture, from its middle, y upwards. The picture is
    zoomed and turned (anticlockwise) about the pivot, then moved by (x, y).
    """
    angle, zoom = torch.deg2rad(degrees), zoom.clamp_min(1e-3)
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    dx, dy = -(pivot_x + x), -(pivot_y + y)
    row = torch.stack([cos, sin, cos * dx + sin * dy + pivot_x])
    other = torch.stack([-sin, cos, cos * dy - sin * dx + pivot_y])
    return torch.stack([row, other])


def placed(image: Tensor, place: Tensor, outside: str = "transparent", smooth: bool = False) -> Tensor:
    """A picture [1, 4, H, W] (straight alpha) under a `placement`, at the same size.

    outside: one of `OUTSIDE`. smooth: average a grid of places in each pixel, for pictures that are made smaller.
    """
    height, width = image.shape[2:]
    source = premultiplied(image)
    if outside == "repeat":  # a pixel on each side, so that the seam is interpolated too
        source = F.pad(source, (1, 1, 1, 1), mode="circular")
    fine = FINEST if smooth else 1
    total = torch.zeros_like(image)
    for part in range(fine * fine):
        right = ((part % fine + 0.5) / fine - 0.5) / height
        up = ((part // fine + 0.5) / fine - 0.5) / height
        seen = _seen(place, width, height, right, up)
        total = total + _sampled(source, seen, width, height, outside)
    return straight(total / (fine * fine))


def _seen(place: Tensor, width: int, height: int, right: float, up: float) -> tuple[Tensor, Tensor]:
    """Where each pixel of the result looks: x to the right and y downwards, −1..1 inside the picture, [H, W]."""
    x = (torch.arange(width, device=place.device) + 0.5 - width / 2) / height + right
    y = (height / 2 - torch.arange(height, device=place.device) - 0.5) / height + up
    across = place[0, 0] * x[None] + place[0, 1] * y[:, None] + place[0, 2]
    upwards = place[1, 0] * x[None] + place[1, 1] * y[:, None] + place[1, 2]
    far = FARTHEST
    return (across * (2 * height / width)).clamp(-far, far), (upwards * -2).clamp(-far, far)


def _sampled(source: Tensor, seen: tuple[Tensor, Tensor], width: int, height: int, outside: str) -> Tensor:
    x, y = seen
    if outside == "repeat":
        x, y = torch.remainder(x + 1, 2) - 1, torch.remainder(y + 1, 2) - 1
        x, y = x * (width / (width + 2)), y * (height / (height + 2))
    padding = "reflection" if outside == "mirror" else "border"
    grid = torch.stack([x, y], -1)[None]
    sampled = F.grid_sample(source, grid, padding_mode=padding, align_corners=False)
    if outside not in ("transparent", "black"):
        return sampled
    # The edge fades over one pixel, so that it is smooth when turned.
    inside_x = ((1 - x.abs()) * (width / 2) + 0.5).clamp(0, 1)
    inside_y = ((1 - y.abs()) * (height / 2) + 0.5).clamp(0, 1)
    inside = inside_x * inside_y
    sampled = sampled * inside
    if outside == "transparent":
        return sampled
    return torch.cat([sampled[:, :3], sampled[:, 3:] + (1 - inside)], 1)
