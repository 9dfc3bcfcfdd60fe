"""A field of activations moved, turned and zoomed, in one pass (Triton); the reference is `kernels/affine.py`."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.triton.field import COUNTS, Field, leave, let_through, seen, tile

AMOUNTS = ["right", "up", "degrees", "zoom"]


@triton.jit
def motion(right, up, degrees, zoom, row, column, height, width):
    """From pointers to the amounts: whether they are neutral; and from each pixel the place (down, across) that is seen
    there, in pixels, folded into the field as by mirrors at its borders."""
    right, up, degrees, zoom = tl.load(right), tl.load(up), tl.load(degrees), tl.load(zoom)
    neutral = (right == 0) & (up == 0) & (degrees == 0) & (zoom == 1)
    zoom = tl.where(tl.abs(zoom) < 1e-3, 1e-3, zoom)
    # Few turns, so that sine and cosine take their short way.
    turns = degrees / 360
    angle = (turns - tl.floor(turns + 0.5)) * 6.283185307179586
    cos, sin = tl.cos(angle) / zoom, tl.sin(angle) / zoom
    x = column + 0.5 - 0.5 * width - right * height
    y = row + 0.5 - 0.5 * height + up * height
    return neutral, _folded(sin * x + cos * y, height), _folded(cos * x - sin * y, width)


@triton.jit
def _folded(offset, size):
    # Far places are folded by the mirror; beyond float32's reach that has no meaning.
    offset = tl.where(offset == offset, offset, 0.0)
    offset = tl.minimum(tl.maximum(offset, -5e3 * size), 5e3 * size)
    place = tl.abs(offset + 0.5 * size)
    place -= tl.floor(place / (2 * size)) * (2 * size)
    return tl.minimum(tl.maximum(tl.minimum(place, 2 * size - place) - 0.5, 0.0), size - 1.0)


@triton.jit
def sampled(x, down, across, group, groups, height, width, row_stride, pixel_stride, VECTOR: tl.constexpr):
    """The activation between four pixels [vectors, VECTOR], bilinear, float32."""
    top, left = tl.floor(down), tl.floor(across)
    row, column = top.to(tl.int32), left.to(tl.int32)
    down, across = (down - top)[:, None], (across - left)[:, None]
    a = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    b = seen(x, row, column + 1, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    c = seen(x, row + 1, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    d = seen(x, row + 1, column + 1, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    above, below = a + across * (b - a), c + across * (d - c)
    return above + down * (below - above)


@triton.jit(do_not_specialize=COUNTS, do_not_specialize_on_alignment=[*AMOUNTS, "mask"])
def _affine(
    x, out, right, up, degrees, zoom, mask, groups, height, width, row_stride, pixel_stride,
    MASKED: tl.constexpr, TOGETHER: tl.constexpr, VECTOR: tl.constexpr, VECTORS: tl.constexpr, DOWN: tl.constexpr,
):  # fmt: skip
    row, column, group = tile(groups, TOGETHER, VECTORS, DOWN)
    neutral, down, across = motion(right, up, degrees, zoom, row, column, height, width)
    if neutral:
        value = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    else:
        value = sampled(x, down, across, group, groups, height, width, row_stride, pixel_stride, VECTOR)
        if MASKED:
            here = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
            value = let_through(mask, here, value, row, column, height, width, MASKED)
    leave(value, out, row, column, group, groups, height, width, VECTOR)


def affine(x: Tensor, right: Tensor, up: Tensor, degrees: Tensor, zoom: Tensor, mask: Tensor | None = None) -> Tensor:
    """As `affine.affine`, of x [1, C, h, w] in half precision and 0-d amounts."""
    field = Field.of(x)
    out, result = field.empty()
    where = field.x if mask is None else mask
    _affine[field.tiles](
        field.x, out, right, up, degrees, zoom, where, *field.counts, MASKED=mask is not None, **field.constants
    )
    return result
