"""Cells lie beside each other, and an atlas has a largest size."""

from __future__ import annotations

import itertools

import pytest

from ganzfeld.engine.taps.layout import ALIGNED, HEIGHTS, MOST_PIXELS, WIDTHS, laid_out
from ganzfeld.values.looking import LARGEST_CELL, MOST_VIEWS, CellView


@pytest.mark.parametrize("sizes", [[64], [128] * 40, [360, 64, 200, 96] * 12, [LARGEST_CELL] * MOST_VIEWS])
def test_cells_do_not_overlap(sizes: list[int]):
    views = [CellView("node", f"n{number}", size=size) for number, size in enumerate(sizes)]
    layout = laid_out(views)
    assert layout.width in WIDTHS
    assert layout.height % HEIGHTS == 0
    assert layout.width * layout.height <= 1.3 * MOST_PIXELS
    for cell in layout.cells:
        assert cell.side > 0
        assert cell.x % ALIGNED == cell.y % ALIGNED == cell.side % ALIGNED == 0
        assert cell.x + cell.side <= layout.width
        assert cell.y + cell.side <= layout.shown
    for one, other in itertools.combinations(layout.cells, 2):
        apart = one.x + one.side <= other.x or other.x + other.side <= one.x
        assert apart or one.y + one.side <= other.y or other.y + other.side <= one.y


def test_numbers_have_places_of_their_own():
    views = [CellView("histogram", "a"), CellView("channels", "a", layer="b4"), CellView("weight", "a"),
             CellView("spectrum", "a"), CellView("node", "a")]  # fmt: skip
    layout = laid_out(views)
    taken = [place for cell in layout.cells for place in range(cell.numbers, cell.numbers + cell.count)]
    assert 0 not in taken, "the first is the atlas's own"
    assert len(taken) == len(set(taken)) == 66 + 128 + 130 + 64
    assert layout.rows * layout.width > max(taken)
    assert [cell.side > 0 for cell in layout.cells] == [False, True, False, False, True]


def test_nothing_is_an_atlas_too():
    assert laid_out([]).cells == ()
