"""A blur of activations."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.card import has_fused_bends

MOST_TAPS = 65


def gaussian_blur(x: Tensor, radius: Tensor) -> Tensor:
    """x [N, C, h, w] blurred with a Gaussian of standard deviation `radius` · h (up to 0.25); 0 changes nothing.

    radius: 0-d, or [1, C, 1, 1] for each channel its own.

    The number of taps is fixed by the size of the field, so that the radius can move from frame to frame.
    """
    channels, height = x.shape[1], x.shape[2]
    reach = min((MOST_TAPS - 1) // 2, max(1, math.ceil(height / 4)))
    if has_fused_bends(x, radius):
        from ganzfeld.kernels.triton import blur

        return blur.gaussian_blur(x, radius, reach)
    deviation = (radius.float() * height).clamp(min=1e-3).reshape(-1, 1, 1, 1)
    place = torch.arange(-reach, reach + 1, device=x.device)
    taps = torch.exp(-0.5 * (place / deviation).square())
    taps = (taps / taps.sum(3, keepdim=True)).to(x.dtype).expand(channels, 1, 1, -1)
    x = F.conv2d(_held(x, reach, 0), taps, groups=channels)
    return F.conv2d(_held(x, 0, reach), taps.transpose(2, 3), groups=channels)


def _held(x: Tensor, across: int, down: int) -> Tensor:
    return F.pad(x, (across, across, down, down), mode="replicate")
