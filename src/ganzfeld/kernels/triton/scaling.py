"""An activation times a number, plus a number, in one pass (Triton)."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.triton.field import COUNTS, Field, leave, let_through, seen, tile


@triton.jit(do_not_specialize=COUNTS, do_not_specialize_on_alignment=["amount", "mask"])
def _scaled(
    x, out, amount, mask, groups, height, width, row_stride, pixel_stride,
    SHIFT: tl.constexpr, MASKED: tl.constexpr, TOGETHER: tl.constexpr, VECTOR: tl.constexpr, VECTORS: tl.constexpr,
    DOWN: tl.constexpr,
):  # fmt: skip
    row, column, group = tile(groups, TOGETHER, VECTORS, DOWN)
    here = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    value = here + tl.load(amount) if SHIFT else here * tl.load(amount)
    value = tl.minimum(tl.maximum(value, -65504.0), 65504.0)  # what half precision can hold
    value = let_through(mask, here, value, row, column, height, width, MASKED)
    leave(value, out, row, column, group, groups, height, width, VECTOR)


def multiplied(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `scaling.multiplied`."""
    return _each(x, amount, mask, shift=False)


def added(x: Tensor, amount: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `scaling.added`."""
    return _each(x, amount, mask, shift=True)


def _each(x: Tensor, amount: Tensor, mask: Tensor | None, *, shift: bool) -> Tensor:
    field = Field.of(x)
    out, result = field.empty()
    where = field.x if mask is None else mask
    _scaled[field.tiles](
        field.x, out, amount, where, *field.counts, SHIFT=shift, MASKED=mask is not None, **field.constants
    )
    return result
