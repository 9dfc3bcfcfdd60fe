"""What follows every convolution: noise, bias, leaky ReLU with gain, clamp."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.2
GAIN = math.sqrt(2)


def biased_leaky_relu(
    x: Tensor, bias: Tensor, *, noise: Tensor | None = None, gain: float = GAIN, clamp: float | None = None
) -> Tensor:
    """clamp(gain · leaky_relu(x + noise + bias)): x [N, C, H, W], bias [C], noise [N or 1, 1, H, W]."""
    if noise is not None:
        x = x + noise.to(x.dtype)
    x = F.leaky_relu(x + bias[:, None, None].to(x.dtype), SLOPE) * gain
    return x if clamp is None else x.clamp(-clamp, clamp)
