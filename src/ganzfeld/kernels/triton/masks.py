"""Masks, each in one pass (Triton); the references are in `kernels/masks.py`."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.colour import LUMA
from ganzfeld.kernels.triton.field import COUNTS, Field, leave, mixed, seen, share_of, tile

RED, GREEN, BLUE = (tl.constexpr(weight) for weight in LUMA)


@triton.jit(do_not_specialize=["pixels", "width", "channel_stride", "row_stride", "column_stride"])
def _luminous(x, out, pixels, width, channel_stride, row_stride, column_stride, BLOCK: tl.constexpr):
    here = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = here < pixels
    place = (here // width).to(tl.int64) * row_stride + (here % width) * column_stride
    red = tl.load(x + place, mask=there, other=0.0)
    green = tl.load(x + channel_stride + place, mask=there, other=0.0)
    blue = tl.load(x + 2 * channel_stride + place, mask=there, other=0.0)
    alpha = tl.load(x + 3 * channel_stride + place, mask=there, other=0.0)
    alpha = tl.where(alpha == alpha, tl.minimum(tl.maximum(alpha, 0.0), 1.0), 0.0)
    value = (red * RED + green * GREEN + blue * BLUE) * alpha
    value = tl.where(value == value, value, 0.0)
    tl.store(out + here, tl.minimum(tl.maximum(value, 0.0), 1.0).to(tl.float16), mask=there)


def luminous(picture: Tensor) -> Tensor:
    """As `masks.luminous`, in half precision."""
    _, _, height, width = picture.shape
    out = torch.empty(height, width, dtype=torch.float16, device=picture.device)
    pixels = height * width
    _luminous[(triton.cdiv(pixels, 1024),)](picture, out, pixels, width, *picture.stride()[1:], BLOCK=1024)
    return out


@triton.jit(
    do_not_specialize=[*COUNTS, "channels", "y_row", "y_pixel"], do_not_specialize_on_alignment=["mask", "each"]
)
def _masked(
    x, y, out, mask, each, channels, y_row, y_pixel, groups, height, width, row_stride, pixel_stride,
    EACH: tl.constexpr, TOGETHER: tl.constexpr, VECTOR: tl.constexpr, VECTORS: tl.constexpr, DOWN: tl.constexpr,
):  # fmt: skip
    row, column, group = tile(groups, TOGETHER, VECTORS, DOWN)
    here = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    value = seen(y, row, column, group, groups, height, width, y_row, y_pixel, VECTOR)
    value = tl.minimum(tl.maximum(value, -65504.0), 65504.0)  # what half precision can hold
    share = share_of(mask, row, column, height, width)[:, None]
    if EACH:
        channel = (group * VECTOR)[:, None] + tl.arange(0, VECTOR)[None, :]
        share = share * tl.load(each + tl.minimum(channel, channels - 1))
    leave(mixed(here, value, share), out, row, column, group, groups, height, width, VECTOR)


def masked(x: Tensor, y: Tensor, mask: Tensor, channels: Tensor | None) -> Tensor:
    """As `masks.masked`, of x [1, C, h, w] in half precision."""
    field, other = Field.of(x), Field.of(y)
    if other.vector != field.vector:
        # Memory that begins or goes on otherwise: both in the smaller steps.
        vector = min(field.vector, other.vector)
        field, other = field.by(vector), other.by(vector)
    out, result = field.empty()
    each = mask if channels is None else channels
    _masked[field.tiles](
        field.x, other.x, out, mask, each, x.shape[1], other.row, other.pixel, *field.counts,
        EACH=channels is not None, **field.constants,
    )  # fmt: skip
    return result
