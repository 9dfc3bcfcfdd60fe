"""The two ends of a patch's pictures, each in one pass (Triton); the references are in `kernels/rgba.py`."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.dither import ACROSS, CHANNEL, DOWN


@triton.jit
def _from_signed(x, out, pixels, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < pixels
    image = tl.program_id(1).to(tl.int64)
    x += image * CHANNELS * pixels
    out += image * 4 * pixels
    for channel in tl.static_range(4):
        # Two channels are grey and alpha.
        if channel == 3 and CHANNELS % 2 == 1:
            value = tl.full((BLOCK,), 1.0, tl.float32)
        else:
            source = channel if CHANNELS > 2 else channel // 3
            value = tl.load(x + source * pixels + at, mask=mask, other=0.0) * 0.5 + 0.5
        tl.store(out + channel * pixels + at, value, mask=mask)


def from_signed(image: Tensor) -> Tensor:
    """As `rgba.from_signed`."""
    n, channels, height, width = image.shape
    out = torch.empty(n, 4, height, width, device=image.device)
    pixels = height * width
    _from_signed[(triton.cdiv(pixels, 1024), n)](
        image.contiguous(), out, pixels, CHANNELS=channels, BLOCK=1024
    )  # fmt: skip
    return out


@triton.jit
def _to_bytes(
    x, start, out, pixels, width, channel_stride, row_stride, column_stride, DITHERS: tl.constexpr,
    ACROSS: tl.constexpr, DOWN: tl.constexpr, CHANNEL: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < pixels
    place = (at // width).to(tl.int64) * row_stride + (at % width) * column_stride
    word = tl.zeros((BLOCK,), tl.int32)
    for channel in tl.static_range(4):
        value = tl.load(x + channel * channel_stride + place, mask=mask, other=0.0)
        value = tl.where(value == value, value, 0.0) * 255
        if DITHERS:
            turn = (at % width).to(tl.int64) * ACROSS + (at // width).to(tl.int64) * DOWN + channel * CHANNEL
            turn = ((turn + tl.load(start)) & 0xFFFFFFFF) >> 20
            value += (turn.to(tl.float32) + 0.5) / 4096
        else:
            value += 0.5
        value = tl.minimum(tl.maximum(value, 0.0), 255.0)
        word |= value.to(tl.int32) << (8 * channel)
    tl.store(out + at, word, mask=mask)


def to_rgba8(image: Tensor, dither: Tensor | None = None) -> Tensor:
    """As `rgba.to_rgba8`."""
    _, _, height, width = image.shape
    out = torch.empty(height, width, 4, dtype=torch.uint8, device=image.device)
    words, start = out.view(torch.int32), image if dither is None else dither
    _to_bytes[(triton.cdiv(height * width, 1024),)](
        image, start, words, height * width, width, *image.stride()[1:], DITHERS=dither is not None,
        ACROSS=ACROSS, DOWN=DOWN, CHANNEL=CHANNEL, BLOCK=1024,
    )  # fmt: skip
    return out
