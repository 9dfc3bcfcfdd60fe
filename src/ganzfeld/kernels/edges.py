"""Edges: the Sobel operator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.card import has_fused_bends
from ganzfeld.kernels.masks import masked


def sobel(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """x [N, C, h, w] gone towards the length of its gradient, each channel alone; edges are held.

    amount: 0-d or [1, C, 1, 1]. mask: as `masks.masked` takes it.
    """
    if has_fused_bends(x, amount):
        from ganzfeld.kernels.triton import neighbours

        return neighbours.sobel(x, amount, mask)
    channels = x.shape[1]
    # Made where x is: a captured graph may copy nothing from the host.
    step = torch.arange(-1, 2, device=x.device, dtype=x.dtype)
    smooth, slope = (2 - step.abs()) / 4, step / 2
    across = (smooth[:, None] * slope[None]).expand(channels, 1, 3, 3)
    held = F.pad(x, (1, 1, 1, 1), mode="replicate")
    dx = F.conv2d(held, across, groups=channels)
    dy = F.conv2d(held, across.transpose(2, 3), groups=channels)
    return masked(x, torch.lerp(x, torch.sqrt(dx * dx + dy * dy + 1e-12), amount), mask)
