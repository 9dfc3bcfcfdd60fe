"""A convolution whose input channels are scaled by a style, its outputs brought back to unit variance.

Karras et al. 2020 scale the weights, W·s, and divide by the norm of the result. Scaling the input by s,
convolving with the plain W and scaling the output by d is the same sum in another order, and leaves W alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.upfirdn import upfirdn


def modulated_convolution(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    *,
    demodulate: bool = True,
    padding: int = 0,
    up_filter: Tensor | None = None,
    gain: Tensor | None = None,
) -> Tensor:
    """x [N, I, H, W], weight [O, I, k, k], style [N, I] -> [N, O, H', W'].

    With `up_filter` [t, t] (sum 1, k = 3) the convolution doubles the size: a transposed convolution by 2,
    then the filter, H' = 2·H; `padding` is not used then. Otherwise H' = H + 2·padding − k + 1.
    `gain` (0-d or [O]) multiplies what comes out, after demodulation.
    """
    x = x * style[:, :, None, None].to(x.dtype)
    if up_filter is None:
        x = F.conv2d(x, weight.to(x.dtype), padding=padding)
    else:
        x = F.conv_transpose2d(x, weight.to(x.dtype).transpose(0, 1), stride=2)
        t = up_filter.shape[-1]
        low, high = (t - 1) // 2, (t - 2) // 2  # 2·H + 1 samples become 2·H
        x = upfirdn(x, up_filter, padding=(low, high, low, high), gain=4)
    scale = demodulation(weight, style) if demodulate else None
    if gain is not None:
        scale = gain.expand(1, len(weight)) if scale is None else scale * gain
    return x if scale is None else x * scale[:, :, None, None].to(x.dtype)


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """d[n, o] = 1 / √(Σ_ik (W[o, i, k]·s[n, i])² + 1e-8), as a product of s² with Σ_k W²."""
    energy = weight.float().square().sum((2, 3))
    return torch.rsqrt(style.float().square() @ energy.t() + 1e-8)
