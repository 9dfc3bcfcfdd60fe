"""Upsample, filter, downsample: the one resampling operation that StyleGAN is made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Padding = tuple[int, int, int, int]


def upfirdn(
    x: Tensor,
    taps: Tensor | None,
    *,
    up: int = 1,
    down: int = 1,
    padding: Padding = (0, 0, 0, 0),
    gain: float = 1.0,
) -> Tensor:
    """Insert zeros, pad, convolve with a FIR filter, keep every `down`-th sample.

    x: [N, C, H, W]. `taps`: [k] for a separable filter, [k, k] for any other, None for the identity.
    `padding`: left, right, top, bottom in samples of the upsampled picture; negative crops. Each input sample
    stands for itself followed by `up` − 1 zeros. `gain` multiplies the result. Each output axis has
    (size·up + padding − k) // down + 1 samples.
    """
    x = pad(insert_zeros(x, up), padding)
    if taps is None:
        return x[:, :, ::down, ::down] * gain
    kernel = (taps * gain ** (taps.ndim / 2)).to(x.dtype).flip(tuple(range(taps.ndim)))
    if kernel.ndim == 2:
        return filter_channels(x, kernel, (down, down))
    x = filter_channels(x, kernel[None, :], (1, down))
    return filter_channels(x, kernel[:, None], (down, 1))


def insert_zeros(x: Tensor, up: int) -> Tensor:
    """[N, C, H, W] -> [N, C, H·up, W·up], every sample followed by up − 1 zeros on both axes."""
    if up == 1:
        return x
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
    return x.reshape(n, c, h * up, w * up)


def pad(x: Tensor, padding: Padding) -> Tensor:
    """Zeros around the picture (left, right, top, bottom); negative numbers crop."""
    return F.pad(x, padding) if any(padding) else x


def filter_channels(x: Tensor, kernel: Tensor, stride: tuple[int, int]) -> Tensor:
    """Correlate every channel of x [N, C, H, W] with the same kernel [kh, kw]."""
    channels = x.shape[1]
    weight = kernel[None, None].expand(channels, 1, *kernel.shape)
    return F.conv2d(x, weight, stride=stride, groups=channels)


def upsample2(x: Tensor, taps: Tensor) -> Tensor:
    """Twice the size by a FIR filter (sum 1), aligned so that the picture's frame stays where it is."""
    k = taps.shape[-1]
    low, high = (k + 1) // 2, (k - 2) // 2
    return upfirdn(x, taps, up=2, padding=(low, high, low, high), gain=4)


def binomial_filter(taps: tuple[float, ...] = (1, 3, 3, 1)) -> Tensor:
    """The outer product of `taps` with itself, sum 1: [k, k]."""
    # Here, whatever the default device: arithmetic on the meta device would import torch._dynamo, which takes a second.
    line = torch.tensor(taps, dtype=torch.float32, device="cpu")
    square = torch.outer(line, line)
    return square / square.sum()
