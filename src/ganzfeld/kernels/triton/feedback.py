"""An activation mixed with what left this place in earlier frames, in one pass (Triton).

The reference is `bending/activations/feedback.py`. Two things differ. The ring is in half precision, which halves its
memory and its traffic; so that a past that changes by less than the last digit still changes, numbers are rounded up or
down by chance, as often as they are nearer to the one or to the other. And the ring has one place more than the longest
delay: what is written was not to be read, so that threads need not wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.triton.affine import AMOUNTS, motion, sampled
from ganzfeld.kernels.triton.field import COUNTS, Field, at, leave, let_through, mixed, seen, tile


@triton.jit
def _rounded(value, seed, VECTOR: tl.constexpr):
    """float32 [vectors, VECTOR] in half precision, up or down by chance. seed [vectors]."""
    # Wellons' "lowbias32", once a vector; along it, steps of the golden ratio.
    seed = (seed ^ (seed >> 16)) * 0x7FEB352D
    seed = (seed ^ (seed >> 15)) * 0x846CA68B
    seed = seed ^ (seed >> 16)
    chance = seed[:, None] + tl.arange(0, VECTOR)[None, :].to(tl.uint32) * 0x9E3779B9
    # float32 has 13 binary digits more.
    bits = value.to(tl.uint32, bitcast=True) + (chance >> 19)
    return (bits & 0xFFFFE000).to(tl.float32, bitcast=True).to(tl.float16)


@triton.jit(
    do_not_specialize=[*COUNTS, "places", "pitch"],
    do_not_specialize_on_alignment=["frame", "share", "delay", "mask", *AMOUNTS],
)
def _feedback(
    x, ring, out, frame, share, right, up, degrees, zoom, delay, mask, places, pitch, loudest,
    groups, height, width, row_stride, pixel_stride,
    MASKED: tl.constexpr, TOGETHER: tl.constexpr, VECTOR: tl.constexpr, VECTORS: tl.constexpr, DOWN: tl.constexpr,
):  # fmt: skip
    row, column, group = tile(groups, TOGETHER, VECTORS, DOWN)
    _, down, across = motion(right, up, degrees, zoom, row, column, height, width)
    number, share = tl.load(frame), tl.load(share)
    wait = tl.minimum(tl.maximum(tl.load(delay), 1.0), places - 1.0)
    whole = tl.floor(wait)
    between = wait - whole
    size = height.to(tl.int64) * width * pitch * VECTOR
    latest = number + places - whole.to(tl.int64)
    past = ring + latest % places * size
    moved = sampled(past, down, across, group, groups, height, width, width * pitch, pitch, VECTOR)
    if between > 0:
        past = ring + (latest - 1) % places * size
        before = sampled(past, down, across, group, groups, height, width, width * pitch, pitch, VECTOR)
        moved = mixed(moved, before, between)
    here = seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR)
    value = tl.minimum(tl.maximum(mixed(here, moved, share), -loudest), loudest)
    place = (row * width + column) * groups + group
    value = _rounded(value, place.to(tl.uint32) + number.to(tl.uint32) * 0x9E3779B9, VECTOR)
    there = ((row < height) & (column < width) & (group < groups))[:, None]
    now = ring + number % places * size
    tl.store(at(now, row, column, group, width * pitch, pitch, VECTOR), value, mask=there)
    if MASKED:
        value = let_through(mask, here, value.to(tl.float32), row, column, height, width, MASKED)
    leave(value, out, row, column, group, groups, height, width, VECTOR)


def remembered(x: Tensor, longest: int) -> tuple[int, int, int, int]:
    """The shape of a float32 tensor that has room for the frames of x [1, C, h, w] that a delay of up to `longest`
    wants: two numbers in half precision lie in each of its own, channels are padded to a multiple of eight."""
    _, channels, height, width = x.shape
    return longest + 1, height, width, -(-channels // 8) * 4


def feedback(
    x: Tensor, memory: Tensor, frame: Tensor, amounts: Sequence[Tensor], loudest: float, mask: Tensor | None = None
) -> Tensor:
    """x mixed with its past, at most `loudest`; it is remembered as that, and leaves where the mask [h, w] lets it.

    memory: of shape `remembered`; it is changed. frame: its number, 0-d, int64. amounts, 0-d: the past's share, how far
    it has moved right and up, turned and grown, and how many frames ago it was.
    """
    field = Field.of(x)
    out, result = field.empty()
    ring = memory.view(torch.float16)
    _feedback[field.tiles](
        field.x, ring, out, frame, *amounts, field.x if mask is None else mask,
        ring.shape[0], ring.shape[3] // field.vector, loudest, *field.counts,
        MASKED=mask is not None, **field.constants,
    )  # fmt: skip
    return result
