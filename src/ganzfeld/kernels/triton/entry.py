"""An activation, times the next layer's style, laid out as that layer's convolution wants it (Triton)."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _enter(
    x, style, out, width, channels, row_stride, pixel_stride, pitch, out_channels, positions,
    BM: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    row, column = m // pitch, m % pitch
    there = ((m < positions) & (column < width))[:, None] & (c < channels)[None, :]
    place = row.to(tl.int64) * row_stride + column * pixel_stride
    value = tl.load(x + place[:, None] + c[None, :], mask=there, other=0.0).to(tl.float32)
    value *= tl.load(style + c, mask=c < channels, other=0.0)[None, :]
    value = tl.where(value > -60000.0, value, -60000.0)
    value = tl.where(value < 60000.0, value, 60000.0)
    known = (m < positions)[:, None] & (c < out_channels)[None, :]
    place = m.to(tl.int64)[:, None] * out_channels + c[None, :]
    tl.store(out + place, tl.where(there, value, 0.0).to(tl.float16), mask=known)


def enter(x: Tensor, style: Tensor, pitch: int, out_channels: int) -> Tensor:
    """x [H, W, C] · style [≥ C] -> [H · pitch, out_channels] in half precision, zeros where x has nothing."""
    x = x if x.stride(2) == 1 else x.contiguous()
    height, width, channels = x.shape
    positions = height * pitch
    out = torch.empty(positions, out_channels, dtype=torch.float16, device=x.device)
    wide = min(128, triton.next_power_of_2(out_channels))
    tall = 4096 // wide
    _enter[(triton.cdiv(positions, tall), triton.cdiv(out_channels, wide))](
        x, style, out, width, channels, x.stride(0), x.stride(1), pitch, out_channels, positions, BM=tall, BC=wide
    )  # fmt: skip
    return out
