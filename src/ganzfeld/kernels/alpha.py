"""Straight and premultiplied alpha, and keeping pictures finite.

A picture that is moved, resized or mixed has to be premultiplied meanwhile, or the colour of what is transparent
bleeds into what is not (Porter and Duff 1984).
"""

from __future__ import annotations

import torch
from torch import Tensor

BRIGHTEST = 64.0
"""What pictures are held to between nodes, either side of zero: more is an accident on its way to infinity."""


def tamed(image: Tensor) -> Tensor:
    """The picture without NaN, held to ±`BRIGHTEST`. An ordinary picture comes back unchanged."""
    return torch.nan_to_num(image, nan=0.0).clamp(-BRIGHTEST, BRIGHTEST)


def premultiplied(image: Tensor) -> Tensor:
    """[N, 4, H, W] with straight alpha -> colours times alpha; alpha is held to 0..1 and all made finite."""
    image = tamed(image)
    alpha = image[:, 3:].clamp(0, 1)
    return torch.cat([image[:, :3] * alpha, alpha], 1)


def straight(image: Tensor) -> Tensor:
    """[N, 4, H, W] premultiplied -> straight alpha. What is wholly transparent is black."""
    alpha = image[:, 3:].clamp(0, 1)
    colour = torch.where(alpha > 1e-5, image[:, :3] / alpha.clamp_min(1e-5), torch.zeros_like(alpha))
    return torch.cat([colour, alpha], 1)


def from_rgba8(image: Tensor) -> Tensor:
    """uint8 [H, W, 4] -> [1, 4, H, W] in 0..1."""
    return image.permute(2, 0, 1)[None].to(torch.float32, memory_format=torch.contiguous_format) / 255
