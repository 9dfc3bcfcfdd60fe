"""The two ends of a patch's pictures: from what a network paints to RGBA, and from RGBA to bytes."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.kernels.card import has_triton
from ganzfeld.kernels.dither import dither_pattern


def from_signed(image: Tensor) -> Tensor:
    """[N, C, H, W] of about −1..1 -> RGBA [N, 4, H, W] of about 0..1, straight alpha.

    C is 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA); of more channels, the first three are taken for RGB.
    """
    if image.shape[1] > 4:
        image = image[:, :3]
    if has_triton(image.device) and image.dtype == torch.float32:
        from ganzfeld.kernels.triton import pictures

        return pictures.from_signed(image)
    image = image * 0.5 + 0.5
    if image.shape[1] < 3:
        grey, alpha = image[:, :1].expand(-1, 3, -1, -1), image[:, 1:]
        return torch.cat([grey, alpha], 1) if image.shape[1] == 2 else opaque(grey)
    return image if image.shape[1] == 4 else opaque(image)


def opaque(rgb: Tensor) -> Tensor:
    """[N, 3, H, W] with alpha 1."""
    return torch.cat([rgb, torch.ones_like(rgb[:, :1])], 1)


def to_rgba8(image: Tensor, dither: Tensor | None = None) -> Tensor:
    """[1, 4, H, W] in 0..1 -> uint8 [H, W, 4]. NaN becomes black; equals `clamp(x·127.5 + 128, 0, 255)` of −1..1.

    dither: int64, 0-d: a frame's number (`dither_start`). Each number is then rounded up as often as it is near the
    upper one, by a pattern of pixel, channel and frame (`dither_pattern`), so that smooth ramps show no steps. What is
    a whole number of 255ths already stays as it is.
    """
    if has_triton(image.device) and image.dtype == torch.float32:
        from ganzfeld.kernels.triton import pictures

        return pictures.to_rgba8(image, dither)
    rounding = 0.5 if dither is None else dither_pattern(image.shape[3], image.shape[2], dither)
    scaled = torch.nan_to_num(image[0], nan=0.0).mul(255).add(rounding).clamp(0, 255)
    return scaled.to(torch.uint8).permute(1, 2, 0).contiguous()
