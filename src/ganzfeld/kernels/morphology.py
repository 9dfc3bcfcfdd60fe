"""Erosion and dilation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.card import has_fused_bends
from ganzfeld.kernels.masks import masked


def erode(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """x [N, C, h, w] gone towards the least of each 3×3 neighbourhood.

    amount: 0-d or [1, C, 1, 1]. mask: as `masks.masked` takes it.
    """
    if has_fused_bends(x, amount):
        from ganzfeld.kernels.triton import neighbours

        return neighbours.erode(x, amount, mask)
    return masked(x, torch.lerp(x, -F.max_pool2d(-x, 3, 1, 1), amount), mask)


def dilate(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """x [N, C, h, w] gone towards the greatest of each 3×3 neighbourhood.

    amount: 0-d or [1, C, 1, 1]. mask: as `masks.masked` takes it.
    """
    if has_fused_bends(x, amount):
        from ganzfeld.kernels.triton import neighbours

        return neighbours.dilate(x, amount, mask)
    return masked(x, torch.lerp(x, F.max_pool2d(x, 3, 1, 1), amount), mask)
