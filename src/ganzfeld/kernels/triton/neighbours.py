"""What looks at the eight neighbours of each pixel, in one pass (Triton): sobel, sharpen, erode, dilate."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.triton.field import COUNTS, Field, leave, let_through, mixed, seen, tile

SOBEL, SHARPEN, ERODE, DILATE = (tl.constexpr(number) for number in range(4))
"""Two that sum up, and two that choose."""


@triton.jit(do_not_specialize=COUNTS, do_not_specialize_on_alignment=["amount", "mask"])
def _neighbours(
    x, out, amount, mask, groups, height, width, row_stride, pixel_stride,
    OPERATION: tl.constexpr, MASKED: tl.constexpr, TOGETHER: tl.constexpr, VECTOR: tl.constexpr,
    VECTORS: tl.constexpr, DOWN: tl.constexpr,
):  # fmt: skip
    row, column, group = tile(groups, TOGETHER, VECTORS, DOWN)
    amount = tl.load(amount)
    here = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    first, second = here, here
    if OPERATION < ERODE:
        first, second = tl.zeros_like(here), tl.zeros_like(here)
    for i in tl.static_range(3):
        for k in tl.static_range(3):
            near = seen(x, row + i - 1, column + k - 1, group, groups, height, width, row_stride, pixel_stride, VECTOR)
            if OPERATION == SOBEL:
                if k != 1:
                    first += near * ((k - 1) * (2 if i == 1 else 1))
                if i != 1:
                    second += near * ((i - 1) * (2 if k == 1 else 1))
            elif OPERATION == SHARPEN:
                first += near
            elif OPERATION == ERODE:
                first = tl.minimum(first, near)
            else:
                first = tl.maximum(first, near)
    if OPERATION == SOBEL:
        first, second = first / 8, second / 8
        value = mixed(here, tl.sqrt(first * first + second * second + 1e-12), amount)
    elif OPERATION == SHARPEN:
        value = here + amount * (here - first / 9)
    else:
        value = mixed(here, first, amount)
    value = tl.minimum(tl.maximum(value, -65504.0), 65504.0)  # what half precision can hold
    value = let_through(mask, here, value, row, column, height, width, MASKED)
    leave(value, out, row, column, group, groups, height, width, VECTOR)


def sobel(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `edges.sobel`."""
    return _around(x, amount, mask, SOBEL)


def sharpen(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `sharpen.sharpen`."""
    return _around(x, amount, mask, SHARPEN)


def erode(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `morphology.erode`."""
    return _around(x, amount, mask, ERODE)


def dilate(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `morphology.dilate`."""
    return _around(x, amount, mask, DILATE)


def _around(x: Tensor, amount: Tensor, mask: Tensor | None, operation: tl.constexpr) -> Tensor:
    field = Field.of(x)
    out, result = field.empty()
    where = field.x if mask is None else mask
    _neighbours[field.tiles](
        field.x, out, amount, where, *field.counts, OPERATION=operation.value, MASKED=mask is not None,
        **field.constants,
    )  # fmt: skip
    return result
