"""The filtered leaky ReLU on a GPU, in half precision and one pass; see streamed_filter.cu."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from ganzfeld.kernels.card import multiprocessors
from ganzfeld.kernels.cuda.compiler import defines, kernel
from ganzfeld.kernels.leaky_relu import GAIN

SOURCE = Path(__file__).with_suffix(".cu")
OUTPUTS = 8
THREADS = 128
BLOCKS = 2
DOWN_TAPS = 12
UNCLAMPED = 2048.0
"""Stands for no clamp: half precision must hold both 1 / clamp and clamp."""
EXACT_ENOUGH = 5e-3
"""What may be missing of a filter that is taken as a sum of separable ones, relative to its strongest part."""


@dataclass(frozen=True, slots=True)
class StreamedFilter:
    """The filters of one layer, ready for the kernel.

    up: 2 or 4. first: (row, column) of the input sample that output 0 begins at; phase: upsampled samples between them,
    down and across. rank: separable parts of the downsampling filter. packed: the kernel's `Filters`.
    """

    up: int
    phase: tuple[int, int]
    first: tuple[int, int]
    rank: int
    packed: bytes

    @classmethod
    def design(
        cls, up_taps: Tensor, down_taps: Tensor, *, up: int, low: tuple[int, int], clamp: float | None
    ) -> StreamedFilter:
        """up_taps [6 · up], down_taps [12] or [12, 12], both with sum 1; low: padding before the first row and before
        the first column."""
        clamp = UNCLAMPED if clamp is None else clamp
        raised = up_taps.double().cpu().numpy() * up * math.sqrt(GAIN / clamp)
        parts = _separable(down_taps.double().cpu().numpy())
        lines = [raised, *(across for across, _ in parts), *(along * clamp for _, along in parts)]
        # Twice each: one number for each of the two channels in a register.
        packed = np.repeat(np.concatenate(lines).astype(np.float16), 2).tobytes()
        row, column = (-(side // up) for side in low)
        return cls(up, (up * row + low[0], up * column + low[1]), (row, column), len(parts), packed)

    @property
    def macros(self) -> dict[str, int]:
        """Those of the source."""
        return {
            "UP": self.up, "PHASE_Y": self.phase[0], "PHASE_X": self.phase[1], "OUTPUTS": OUTPUTS, "RANK": self.rank,
            "THREADS": THREADS, "BLOCKS": BLOCKS,
        }  # fmt: skip

    @staticmethod
    def supports(up_taps: int, down_taps: tuple[int, ...], up: int, down: int) -> bool:
        """Whether the kernel is made for filters of these lengths."""
        return up in (2, 4) and down == 2 and up_taps == 6 * up and set(down_taps) == {DOWN_TAPS}


def streamed_filter(
    x: Tensor,
    gain: Tensor,
    bias: Tensor,
    style: Tensor,
    filters: StreamedFilter,
    size: tuple[int, int],
    out: Tensor,
    out_size: tuple[int, int],
    out_pitch: int,
) -> None:
    """out = style · filtered_leaky_relu(x · gain, bias), as `kernels.filtered_leaky_relu`.

    x [height · width, C] half precision, C even; gain, bias, style [C] float32; size, out_size: (height, width);
    out: half precision, rows `out_pitch` pixels apart; what lies between them is set to zero.
    """
    (height, width), (out_height, out_width) = size, out_size
    pairs = x.shape[1] // 2
    columns = -(-out_width // OUTPUTS) * pairs
    across = -(-columns // THREADS)
    chunk = chunk_rows(across, out_height, BLOCKS * multiprocessors(x.device))
    kernel(SOURCE, "streamed", defines(filters.macros), x.device).launch(
        (across, -(-out_height // chunk)),
        THREADS,
        [x, gain, bias, style, out, height, width, out_height, out_width, out_pitch, pairs, *filters.first, chunk,
         filters.packed],
    )  # fmt: skip


def chunk_rows(across: int, rows: int, at_once: int) -> int:
    """How many rows of outputs a thread should walk down: long walks waste less at their start, short ones share the
    work better. `across` blocks stand side by side, `at_once` run at a time. Even."""
    start = 16  # rows' worth of work before the first output
    best = min(
        range(1, max(1, rows // 8) + 1),
        key=lambda count: -(-across * count // at_once) * (-(-rows // count) + start),
    )
    return -(-rows // best // 2) * 2 if best > 1 else rows + rows % 2


def _separable(taps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """A filter as the sum of few outer products: (along its columns, along its rows) of each."""
    if taps.ndim == 1:
        return [(taps, taps)]
    left, values, right = np.linalg.svd(taps)
    count = max(1, int((values > EXACT_ENOUGH * values[0]).sum()))
    root = np.sqrt(values)
    return [(right[i] * root[i], left[:, i] * root[i]) for i in range(count)]
