"""Move, turn and zoom a field of activations: one affine map, sampled bilinearly."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.card import has_fused_bends
from ganzfeld.kernels.masks import masked


def affine(x: Tensor, right: Tensor, up: Tensor, degrees: Tensor, zoom: Tensor, mask: Tensor | None = None) -> Tensor:
    """x [N, C, h, w] moved `right` and `up` (fractions of the height), turned anticlockwise, zoomed about its centre.

    The amounts are 0-d tensors, or [1, C, 1, 1] for each channel its own. What comes in from outside repeats the
    mirrored field. Coordinates are float32 whatever x is; with neutral amounts the result is x itself, bit for bit.
    mask: as `masks.masked` takes it.
    """
    if has_fused_bends(x, right, up, degrees, zoom):
        from ganzfeld.kernels.triton import affine as fused

        return fused.affine(x, right, up, degrees, zoom, mask)
    neutral = (right == 0) & (up == 0) & (degrees == 0) & (zoom == 1)
    if neutral.dim():
        # Channels that move apart are pictures of their own.
        own = [amount.flatten().expand(x.shape[1]) for amount in (right, up, degrees, zoom)]
        moved = _moved(x.transpose(0, 1), *own).transpose(0, 1)
    else:
        moved = _moved(x, *(amount.expand(len(x)) for amount in (right, up, degrees, zoom)))
    return masked(x, torch.where(neutral, x, moved.to(x.dtype)), mask)


def _moved(x: Tensor, right: Tensor, up: Tensor, degrees: Tensor, zoom: Tensor) -> Tensor:
    """x [N, C, h, w] with amounts [N], in float32."""
    n, _, h, w = x.shape
    angle = torch.deg2rad(degrees.float())
    size = zoom.float()
    size = torch.where(size.abs() < 1e-3, torch.full_like(size, 1e-3), size)
    cos, sin = angle.cos() / size, angle.sin() / size
    # From a place in the result to the place in x that is seen there; y points down in the tensor.
    aspect = w / h
    dx, dy = right.float(), -up.float()
    rows = [
        torch.stack([cos, -sin / aspect, -2 * (cos * dx - sin * dy) / aspect], 1),
        torch.stack([sin * aspect, cos, -2 * (sin * dx + cos * dy)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [n, 1, h, w], align_corners=False)
    # Far places are folded by the mirror; beyond float32's reach that has no meaning.
    return F.grid_sample(x.float(), grid.clamp(-1e4, 1e4), padding_mode="reflection", align_corners=False)
