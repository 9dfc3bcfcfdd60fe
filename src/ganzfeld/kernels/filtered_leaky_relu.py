"""Leaky ReLU without aliasing: upsample, apply it, downsample (Karras et al. 2021, section 3.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.leaky_relu import GAIN, SLOPE
from ganzfeld.kernels.upfirdn import Padding, upfirdn


def filtered_leaky_relu(
    x: Tensor,
    bias: Tensor,
    up_filter: Tensor | None,
    down_filter: Tensor | None,
    *,
    up: int,
    down: int,
    padding: Padding,
    slope: float = SLOPE,
    gain: float = GAIN,
    clamp: float | None = None,
) -> Tensor:
    """downsample(clamp(gain · leaky_relu(upsample(x + bias)))).

    x [N, C, H, W], bias [C]; filters [k] (separable) or [k, k], sum 1, None for the identity. `padding` (left,
    right, top, bottom) counts upsampled samples, negative crops, and makes up for the length of both filters:
    each axis comes out with (size·up + padding − up taps − down taps + 1) // down + 1 samples.
    """
    x = x + bias[:, None, None].to(x.dtype)
    x = upfirdn(x, up_filter, up=up, padding=padding, gain=up**2)
    x = F.leaky_relu(x, slope) * gain
    x = x if clamp is None else x.clamp(-clamp, clamp)
    return upfirdn(x, down_filter, down=down)
