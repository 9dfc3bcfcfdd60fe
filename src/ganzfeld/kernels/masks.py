"""Masks: pictures that say where, and how much of, something is done."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.kernels.card import has_fused_bends, has_triton
from ganzfeld.kernels.colour import LUMA

MOST_HALF = torch.finfo(torch.float16).max
EDGE = 0.005
"""What is nearer to 0 or 1 becomes exactly that, so that rounding never shows where a mask is full or empty."""


def luminous(picture: Tensor) -> Tensor:
    """A picture [1, 4, H, W] as a mask [H, W] of 0..1: how bright it is, times how opaque. Black is nothing, and so is
    what is transparent, and what is no number; white is all. In half precision where our Triton kernels run, else in
    float32."""
    if has_triton(picture.device) and picture.dtype == torch.float32:
        from ganzfeld.kernels.triton import masks

        return masks.luminous(picture)
    red, green, blue, alpha = picture[0]
    # One pass after the other over few numbers: a processor takes twenty times as long for the same in other words.
    bright = torch.add(red * LUMA[0], green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])
    return torch.nan_to_num_(bright.mul_(alpha.clamp(0, 1)), nan=0.0).clamp_(0, 1)


def reading(count: int, begin: float, length: float, pixels: int, device: torch.device) -> Tensor:
    """How each of `count` samples in a row reads a row of pixels: weights [count, pixels] that add up to 1.

    begin, length: where the row of pixels lies among the samples; beyond its ends its last pixels are held. Bilinear
    where it is enlarged; where it is made smaller, a triangle as wide as two samples, so that nothing flickers.
    """
    sample = torch.arange(count, device=device, dtype=torch.float32)
    place = ((sample + 0.5 - begin) * (pixels / length)).clamp(0, pixels)
    pixel = torch.arange(pixels, device=device, dtype=torch.float32) + 0.5
    width = max(1.0, pixels / length)
    weights = (1 - (pixel[None] - place[:, None]).abs() / width).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def resampled(mask: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """A mask [H, W] as a field [h, w] reads it. down [h, H], across [w, W]: of `reading`, of the mask's type."""
    little = mask.new_full((1, 1), -EDGE)
    if len(down) * mask.shape[1] <= len(across) * mask.shape[0]:
        found = torch.addmm(little, down @ mask, across.t(), alpha=1 + 2 * EDGE)
    else:
        found = torch.addmm(little, down, mask @ across.t(), alpha=1 + 2 * EDGE)
    return found.clamp_(0, 1)


def masked(x: Tensor, y: Tensor, mask: Tensor | None, channels: Tensor | None = None) -> Tensor:
    """x [N, C, h, w] where a mask [h, w] is 0, y where it is 1, and what lies between; y itself without a mask.

    channels: how much of it each channel gets [C]. Of x in half precision, y may be in float32, and beyond what half
    precision holds.
    """
    if mask is None and channels is None:
        return y
    if mask is None or not has_fused_bends(x):
        if x.dtype == torch.float16:
            y = y.clamp(-MOST_HALF, MOST_HALF).half()
        for share in (None if channels is None else channels[:, None, None], mask):
            y = y if share is None else torch.lerp(x, y, share.to(x.dtype))
        return y
    from ganzfeld.kernels.triton import masks

    return masks.masked(x, y, mask, channels)
