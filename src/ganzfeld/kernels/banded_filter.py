"""The filtered leaky ReLU with its FIR filters as banded matrix products, for the CPU.

A separable filter along one axis is a product with a banded matrix, the same few rows again and again. Cut into
blocks of `BLOCK` upsampled samples it is one batched product with a small dense matrix, whose overlapping
inputs need no copy: they are read through strides. The zeros that upsampling would insert are never written or
multiplied. Ten times as fast as grouped convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.leaky_relu import SLOPE

BLOCK = 8


@dataclass(frozen=True)
class Axis:
    """The geometry of one axis: `size` samples, upsampled, filtered and downsampled to `out_size`.

    `low` is the padding before the first upsampled sample, negative to crop.
    """

    size: int
    out_size: int
    up: int
    down: int
    low: int
    up_taps: int
    down_taps: int

    @property
    def block(self) -> int:
        """Upsampled samples a block: a multiple of both factors."""
        least = math.lcm(self.up, self.down)
        return least * max(1, BLOCK // least)

    @property
    def first(self) -> int:
        """The first input sample that counts; negative where zeros go before the input."""
        return -(self.low // self.up)

    @property
    def up_reach(self) -> int:
        """Input samples that one block is made from."""
        return self._input_of(self.block - 1) + 1

    @property
    def down_reach(self) -> int:
        """Upsampled samples that one block of outputs is made from."""
        return self.block - self.down + self.down_taps

    @property
    def needed(self) -> int:
        """Upsampled samples that the outputs are made from."""
        return (self.out_size - 1) * self.down + self.down_taps

    @property
    def blocks_out(self) -> int:
        return -(-self.out_size * self.down // self.block)

    @property
    def blocks(self) -> int:
        """Blocks that hold all upsampled samples that blocks_out read, for an axis of whole slabs."""
        return -(-((self.blocks_out - 1) * self.block + self.down_reach) // self.block)

    @property
    def row_blocks(self) -> int:
        """Blocks of a row such that what reads over its end, into the next row, is only what nobody needs."""
        step = self.block // self.up
        return max(self.blocks_out, -(-self.needed // self.block), -(-(self._input_of(self.needed - 1) + 1) // step))

    def _input_of(self, sample: int) -> int:
        """The last input, counted from `first`, that upsampled sample number `sample` is made from."""
        return (sample + self.up_taps - 1 - self.low) // self.up - self.first

    def up_matrix(self, taps: Tensor, gain: float) -> Tensor:
        """[block, up_reach]: inputs to upsampled samples."""
        sample = torch.arange(self.block, device=taps.device)[:, None]
        place = self.low + self.up * (self.first + torch.arange(self.up_reach, device=taps.device))
        return _banded(taps * gain, sample + self.up_taps - 1 - place)

    def down_matrix(self, taps: Tensor) -> Tensor:
        """[block / down, down_reach]: upsampled samples to outputs."""
        sample = self.down * torch.arange(self.block // self.down, device=taps.device)[:, None]
        place = torch.arange(self.down_reach, device=taps.device)
        return _banded(taps, sample + self.down_taps - 1 - place)


def _banded(taps: Tensor, index: Tensor) -> Tensor:
    inside = (index >= 0) & (index < len(taps))
    return torch.where(inside, taps[index.clamp(0, len(taps) - 1)], 0)


class Matrices(NamedTuple):
    """The four banded matrices of one layer."""

    up_rows: Tensor
    up_columns: Tensor
    down_rows: Tensor
    down_columns: Tensor


def banded_filtered_leaky_relu(
    x: Tensor, bias: Tensor, gain: Tensor, rows: Axis, columns: Axis, matrices: Matrices, clamp: float | None
) -> Tensor:
    """As `filtered_leaky_relu` of x · gain + bias, with the filters in `matrices`.

    x [N, C, h, w] channels-last, gain [N, C], bias [C]; the leaky ReLU's own gain belongs into a matrix.
    -> [N, C, rows.out_size, columns.out_size], channels-last with some distance between rows.
    """
    pictures = [_one(x[n], bias, gain[n], rows, columns, matrices, clamp) for n in range(len(x))]
    return pictures[0][None] if len(pictures) == 1 else torch.stack(pictures)


def _one(
    x: Tensor, bias: Tensor, gain: Tensor, rows: Axis, columns: Axis, matrices: Matrices, clamp: float | None
) -> Tensor:
    channels = len(x)
    blocks, reach = columns.row_blocks, columns.up_reach
    row_step, step = columns.block // columns.up, rows.block // rows.up
    height, pitch = (rows.blocks - 1) * step + rows.up_reach, blocks * row_step
    row = blocks * columns.block * channels  # one row of the upsampled signal

    # The input, channels last, among zeros. The last row is read over its end: see row_blocks.
    flat = x.new_zeros((height * pitch + reach) * channels)
    padded = flat[: height * pitch * channels].view(height, pitch, channels)
    (from_y, to_y), (from_x, to_x) = _overlap(rows, height), _overlap(columns, pitch)
    torch.addcmul(bias, x.permute(1, 2, 0)[from_y, from_x], gain, out=padded[to_y, to_x])

    # Up along the rows, then across them. Blocks of inputs overlap: they are views with strides of their own.
    inputs = flat.as_strided((height * blocks, reach, channels), (row_step * channels, channels, 1))
    signal = torch.bmm(matrices.up_columns.expand(len(inputs), -1, -1), inputs)
    inputs = signal.as_strided((rows.blocks, rows.up_reach, row), (step * row, row, 1))
    signal = torch.bmm(matrices.up_rows.expand(len(inputs), -1, -1), inputs)

    signal = F.leaky_relu_(signal, SLOPE)
    signal = signal if clamp is None else signal.clamp_(-clamp, clamp)

    # Down across the rows, then along them, again with zeros where the last row is read over its end.
    reach, out_block = columns.down_reach, rows.block // rows.down
    flat = x.new_empty(rows.blocks_out * out_block * row + reach * channels)
    flat[-reach * channels :] = 0
    down = flat[: -reach * channels].view(rows.blocks_out, out_block, row)
    inputs = signal.as_strided((rows.blocks_out, rows.down_reach, row), (rows.block * row, row, 1))
    torch.bmm(matrices.down_rows.expand(len(inputs), -1, -1), inputs, out=down)
    inputs = flat.as_strided((rows.out_size * blocks, reach, channels), (columns.block * channels, channels, 1))
    signal = torch.bmm(matrices.down_columns.expand(len(inputs), -1, -1), inputs)
    return signal.view(rows.out_size, -1, channels)[:, : columns.out_size].permute(2, 0, 1)


def _overlap(axis: Axis, length: int) -> tuple[slice, slice]:
    """Which input samples go where in `length` places, the first of which is for sample `axis.first`."""
    start, end = max(axis.first, 0), min(axis.size, axis.first + length)
    return slice(start, end), slice(start - axis.first, end - axis.first)
