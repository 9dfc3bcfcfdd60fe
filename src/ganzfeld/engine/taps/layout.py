"""Where each view has its place in the atlas, before anything is known of what it will show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganzfeld.values.looking import COUNTS, MOST_CHANNELS, CellView

ALIGNED = 16
"""Cells begin at multiples of so many pixels, and so do their neighbours: a JPEG's blocks belong to one cell each."""
MOST_PIXELS = 2048 * 2048
"""Of an atlas; if more is looked at, all cells are smaller."""
WIDTHS = (1024, 2048)
HEIGHTS = 256
"""An atlas is a multiple of so many pixels high: most changes of what is looked at leave its size, and with it the
memory that it travels in."""
SPECTRUM = 64
"""Frequencies of a spectrum."""
_NUMBERS = {"layer": 3, "channels": 2 * MOST_CHANNELS, "histogram": 2 + COUNTS, "spectrum": SPECTRUM,
            "weight": 2 + 2 * COUNTS}  # fmt: skip
_PICTURES = {"node", "layer", "channels"}


@dataclass(frozen=True, slots=True)
class ReservedCell:
    """A square of `side` pixels at x, y (0: no picture), and `count` numbers from `numbers` on."""

    view: CellView
    x: int
    y: int
    side: int
    numbers: int
    count: int


@dataclass(frozen=True, slots=True)
class AtlasLayout:
    """width, height: of an atlas, in pixels. shown: so many of its rows have pictures. rows: so many, the last ones,
    have numbers, float32, as many as an atlas is wide in each; the first number is the atlas's own."""

    cells: tuple[ReservedCell, ...]
    width: int
    height: int
    shown: int
    rows: int


def laid_out(views: Sequence[CellView]) -> AtlasLayout:
    """Cells in rows, as they come."""
    sides = [_aligned(view.size) if view.of in _PICTURES else 0 for view in views]
    area = sum(side * side for side in sides)
    share = min(1.0, math.sqrt(MOST_PIXELS / max(area, 1)))
    if share < 1:
        sides = [max(ALIGNED, int(side * share) // ALIGNED * ALIGNED) if side else 0 for side in sides]
        area = sum(side * side for side in sides)
    width = WIDTHS[0] if area <= WIDTHS[0] ** 2 else WIDTHS[1]
    cells: list[ReservedCell] = []
    x = y = tallest = 0
    numbers = 1
    for view, side in zip(views, sides):
        if x + side > width:
            x, y, tallest = 0, y + tallest, 0
        count = _NUMBERS.get(view.of, 0)
        cells.append(ReservedCell(view, x, y, side, numbers, count))
        x, tallest, numbers = x + side, max(tallest, side), numbers + count
    shown, rows = max(ALIGNED, y + tallest), -(-numbers // width)
    return AtlasLayout(tuple(cells), width, -(-(shown + rows) // HEIGHTS) * HEIGHTS, shown, rows)


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
