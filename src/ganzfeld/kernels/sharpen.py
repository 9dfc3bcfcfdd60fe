"""Sharpening: away from a small blur."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.card import has_fused_bends
from ganzfeld.kernels.masks import masked


def sharpen(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """x [N, C, h, w] and `amount` times what the mean of each 3×3 neighbourhood takes away; edges are held.

    amount: 0-d or [1, C, 1, 1]. mask: as `masks.masked` takes it.
    """
    if has_fused_bends(x, amount):
        from ganzfeld.kernels.triton import neighbours

        return neighbours.sharpen(x, amount, mask)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return masked(x, x + amount * (x - blurred), mask)
