"""Corners: where they carry a picture, and how keys move them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.outputs.doors.window.displays import Key
from ganzfeld.outputs.doors.window.pin import SQUARE, Pin, is_convex, onto_square

TRAPEZE = (0.1, 0.2, 0.9, 0.0, 1.0, 1.0, 0.0, 0.7)


def carried(corners, x: float, y: float) -> np.ndarray:
    point = onto_square(corners) @ [x, y, 1]
    return point[:2] / point[2]


def test_corners_are_carried_onto_corners():
    for (x, y), there in zip(np.reshape(TRAPEZE, (4, 2)), np.reshape(SQUARE, (4, 2))):
        assert carried(TRAPEZE, x, y) == pytest.approx(there, abs=1e-9)
    assert onto_square(SQUARE) == pytest.approx(np.eye(3))
    crossing = carried(TRAPEZE, *_crossing(TRAPEZE))
    assert crossing == pytest.approx([0.5, 0.5]), "diagonals stay straight"


def _crossing(corners) -> np.ndarray:
    a, b, c, d = np.reshape(corners, (4, 2))
    along = np.linalg.solve(np.stack([c - a, b - d], 1), b - a)
    return a + along[0] * (c - a)


@pytest.mark.parametrize(
    "corners",
    [
        (1, 0, 0, 0, 0, 1, 1, 1),
        (0, 0, 1, 0, 0, 1, 1, 1),
        (0, 0, 1, 0, 0.2, 0.2, 0, 1),
        (0,) * 8,
        (0, 0, 1, 0, 2, 0, 0, 1),
    ],
)
def test_a_picture_is_never_turned_inside_out(corners):
    assert not is_convex(corners)
    with pytest.raises(ValueError, match="cross"):
        onto_square(corners)


def test_keys():
    pin = Pin(size=(1000, 500))
    assert not pin.press(Key("left")), "nobody is at it"
    assert not pin.press(Key("escape"))
    assert not pin.press(Key("backspace"))
    assert pin.press(Key("3"))
    assert pin.press(Key("left"))
    assert pin.press(Key("up", shift=True))
    assert pin.corners == (0, 0, 1, 0, 0.999, 0.98, 0, 1)
    assert pin.has_moved
    assert pin.press(Key("tab"))
    assert pin.selected == 3
    assert pin.press(Key("tab"))
    assert pin.selected == 0
    assert pin.press(Key("right", control=True))
    assert pin.corners[0] == 0.0001
    assert pin.press(Key("tab", shift=True))
    assert pin.selected == 3
    assert not pin.press(Key("t"))
    assert pin.press(Key("escape"))
    assert pin.selected is None
    pin.press(Key("1"))
    pin.press(Key("backspace"))
    assert pin.corners == SQUARE


@given(
    st.lists(st.builds(Key, st.sampled_from(["1", "2", "3", "4", "left", "right", "up", "down"]), shift=st.booleans()))
)
def test_whatever_is_pressed_the_picture_stays_a_picture(keys):
    pin = Pin(size=(50, 20))
    for key in keys:
        pin.press(key)
        assert is_convex(pin.corners)
        assert all(-1 <= at <= 2 for at in pin.corners)
        onto_square(pin.corners)
