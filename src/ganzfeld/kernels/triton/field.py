"""How our kernels walk through an activation in half precision, channels last (Triton).

A program takes a tile of a few pixels each way and some channels; a thread takes a vector, channels that lie side by
side, at a time. So one load is up to 16 bytes, and what neighbouring pixels look at is mostly in the nearest cache.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import triton
import triton.language as tl
from torch import Tensor

VECTORS = 512
"""Of a tile."""
WARPS = 4
DOWN = 4
"""Rows of a tile. Each thread has a vector in every one, and what it loads for one it keeps for the next."""
COUNTS = ["groups", "height", "width", "row_stride", "pixel_stride"]
"""Arguments whose divisors do not matter to the kernels: one compilation serves all layers."""


@dataclass(frozen=True, slots=True)
class Field:
    """An activation as kernels see it.

    x [1, C, h, w], C contiguous. vector: channels a load. groups: vectors a pixel; the last may reach beyond C, into
    what the memory holds there. row, pixel: strides in vectors.
    """

    x: Tensor
    height: int
    width: int
    vector: int
    groups: int
    row: int
    pixel: int

    @classmethod
    def of(cls, x: Tensor) -> Field:
        """x [1, C, h, w] in half precision; copied if channels do not come last."""
        if x.stride(1) != 1:
            x = x.contiguous(memory_format=torch.channels_last)
        _, channels, height, width = x.shape
        row, pixel = x.stride(2), x.stride(3)
        # From x's beginning to the end of what may be read.
        room = x.untyped_storage().nbytes() // x.element_size() - x.storage_offset()
        last = (height - 1) * row + (width - 1) * pixel
        for vector in (8, 4, 2, 1):
            groups = -(-channels // vector)
            if row % vector == pixel % vector == 0 and last + groups * vector <= room:
                return cls(x, height, width, vector, groups, row // vector, pixel // vector)
        raise AssertionError("a tensor that is larger than its memory")

    def by(self, vector: int) -> Field:
        """The same in loads of fewer channels, a divisor of `vector`."""
        times = self.vector // vector
        groups = -(-self.x.shape[1] // vector)
        return replace(self, vector=vector, groups=groups, row=self.row * times, pixel=self.pixel * times)

    @property
    def together(self) -> int:
        """Vectors of a pixel that a tile takes: a power of two that leaves few without work."""
        return min((16, 8, 4), key=lambda count: -(-self.groups // count) * count)

    @property
    def tiles(self) -> tuple[int, int]:
        """How many there are: across (and through the channels), and down."""
        across = VECTORS // (self.together * DOWN)
        return triton.cdiv(self.width, across) * triton.cdiv(self.groups, self.together), triton.cdiv(self.height, DOWN)

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """A kernel's arguments `COUNTS`."""
        return self.groups, self.height, self.width, self.row, self.pixel

    @property
    def constants(self) -> dict[str, int]:
        """A kernel's constants: how it walks."""
        return {
            "TOGETHER": self.together, "VECTOR": self.vector, "VECTORS": VECTORS, "DOWN": DOWN, "num_warps": WARPS,
        }  # fmt: skip

    def empty(self) -> tuple[Tensor, Tensor]:
        """Memory of x's shape: as kernels see it, dense [h, w, groups · vector], and as x [1, C, h, w]."""
        out = self.x.new_empty(self.height, self.width, self.groups * self.vector)
        return out, out[..., : self.x.shape[1]].permute(2, 0, 1)[None]


@triton.jit
def tile(groups, TOGETHER: tl.constexpr, VECTORS: tl.constexpr, DOWN: tl.constexpr):
    """(row, column, group) of each vector of this program's tile."""
    ACROSS: tl.constexpr = VECTORS // (TOGETHER * DOWN)
    i = tl.arange(0, VECTORS)
    parts = (groups + TOGETHER - 1) // TOGETHER
    group = tl.program_id(0) % parts * TOGETHER + i % TOGETHER
    column = tl.program_id(0) // parts * ACROSS + i // TOGETHER % ACROSS
    row = tl.program_id(1) * DOWN + i // (TOGETHER * ACROSS)
    return row, column, group


@triton.jit
def at(x, row, column, group, row_stride, pixel_stride, VECTOR: tl.constexpr):
    """Pointers [vectors, VECTOR]; strides are counted in vectors."""
    place = (row * row_stride + column * pixel_stride + group).to(tl.int64) * VECTOR
    return x + place[:, None] + tl.arange(0, VECTOR)[None, :]


@triton.jit
def seen(x, row, column, group, groups, height, width, row_stride, pixel_stride, VECTOR: tl.constexpr):
    """The activation there [vectors, VECTOR], float32; edges are held."""
    row = tl.minimum(tl.maximum(row, 0), height - 1)
    column = tl.minimum(tl.maximum(column, 0), width - 1)
    group = tl.minimum(group, groups - 1)
    return tl.load(at(x, row, column, group, row_stride, pixel_stride, VECTOR)).to(tl.float32)


@triton.jit
def leave(value, out, row, column, group, groups, height, width, VECTOR: tl.constexpr):
    """Write to dense memory, in half precision."""
    there = (row < height) & (column < width) & (group < groups)
    tl.store(at(out, row, column, group, width * groups, groups, VECTOR), value.to(tl.float16), mask=there[:, None])


@triton.jit
def mixed(a, b, share):
    """As `torch.lerp`: exactly a at 0 and b at 1."""
    return tl.where(share < 0.5, a + share * (b - a), b - (1 - share) * (b - a))


@triton.jit
def share_of(mask, row, column, height, width):
    """How much of a bend the mask [height, width] lets through there [vectors], float32."""
    row = tl.minimum(row, height - 1)
    column = tl.minimum(column, width - 1)
    return tl.load(mask + (row * width + column)).to(tl.float32)


@triton.jit
def let_through(mask, here, value, row, column, height, width, MASKED: tl.constexpr):
    """Of a bend that makes `value` of `here`, so much as the mask says; all of it if it is not MASKED."""
    if MASKED:
        value = mixed(here, value, share_of(mask, row, column, height, width)[:, None])
    return value
