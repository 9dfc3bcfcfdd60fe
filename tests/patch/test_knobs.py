"""Knobs: their curves, and which of several controls has them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.errors import PatchError
from ganzfeld.patch.evaluation import Evaluator
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.knobs import position_of, value_at
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import KnobModel
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

MOMENT = Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0)
OSC, MIDI = "/hand", "/midi/cc/1/74"


class Desk:
    """The knob of a text, and its controls."""

    def __init__(self, knob: str = 'knob(-2, 3, default=1, midi="1/74", osc="/hand")') -> None:
        self.state: dict[str, Any] = {}
        self.turned: dict[str, Any] = {}
        self.outside: dict[str, Any] = {}
        self.save(knob)

    def save(self, knob: str) -> None:
        self.evaluator = Evaluator(Graph(parse(f"push = {knob}\nout(noise(tx=push))")), {})

    def hear(self, **outside: Any) -> float:
        """The knob's value after a frame in which this came in."""
        self.outside |= {{"osc": OSC, "midi": MIDI}[name]: value for name, value in outside.items()}
        self.evaluator.evaluate(MOMENT, Inbox(dict(self.outside)), self.state, self.turned)
        assert self.evaluator.values["/push"] == self.evaluator.values["/out/image/tx"]
        return self.evaluator.values["/push"]


@given(
    st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.one_of(st.just("log"), st.floats(0.1, 10)), st.floats(0, 1)
)  # fmt: skip
def test_a_position_and_its_value_mean_each_other(low: float, high: float, curve: Any, position: float) -> None:
    if curve == "log" and (low * high <= 1e-6 or not 1e-3 < abs(low / high) < 1e3):
        return
    knob = KnobModel(name="k", low=low, high=high, curve=curve)
    value = value_at(knob, position)
    assert min(low, high) - 1e-9 <= value <= max(low, high) + 1e-9
    if abs(high - low) > 1e-3 and (curve == "log" or position**curve > 1e-6):
        assert position_of(knob, value) == pytest.approx(position, abs=1e-4)
    assert 0 <= position_of(knob, 1e9) <= 1


def test_curves() -> None:
    assert value_at(KnobModel(name="k", low=20, high=20000, curve="log"), 1 / 3) == pytest.approx(200)
    assert value_at(KnobModel(name="k", low=0, high=8, curve=2), 0.5) == 2
    assert value_at(KnobModel(name="k", low=1, high=-1), 0.25) == 0.5


@pytest.mark.parametrize(
    "bad", ["curve=0", "curve=-1", 'curve="s"', 'curve="log"', 'midi="74"', 'midi="0/7"', 'midi="1/128"', 'osc="push"']
)
def test_what_no_knob_can_be_is_refused_in_its_place(bad: str) -> None:
    with pytest.raises(PatchError) as refusal:
        parse(f"push = knob(-1, 1, {bad})\nout(noise())")
    assert refusal.value.where.line == 1


def test_the_control_that_moved_last_has_the_knob() -> None:
    desk = Desk()
    assert desk.hear() == 1
    assert desk.hear(midi=0.5) == 0.5
    assert desk.hear(osc=2) == 2
    assert desk.hear(midi=0.6) == 1
    desk.turned["/push"] = -1.0
    assert desk.hear() == -1
    assert desk.hear(midi=0.6, osc=2) == -1, "TouchDesigner says the same with every frame"
    assert desk.hear(osc=2.5) == 2.5
    assert desk.turned == {}
    desk.turned["/push"] = -1.0
    assert desk.hear(midi=0.0) == -2


def test_a_control_that_is_learned_has_to_move_first() -> None:
    desk = Desk("knob(-2, 3, default=1)")
    assert desk.hear(midi=0.0) == 1
    desk.save('knob(-2, 3, default=1, midi="1/74")')
    assert desk.hear() == 1
    assert desk.hear(midi=1.0) == 3
    desk.save('knob(-2, 3, default=1, midi="1/74", osc="/hand")')
    assert desk.hear() == 3
    assert desk.hear(osc=0.5) == 0.5


@pytest.mark.parametrize("bad", ["abc", math.nan, math.inf, [1.0, 2.0], b"x", [], {}])
@pytest.mark.parametrize("control", ["osc", "midi"])
def test_what_is_no_number_poisons_nothing(bad: Any, control: str) -> None:
    desk = Desk()
    assert desk.hear(**{control: bad}) == 1
    assert desk.evaluator.problems["/push"].where.line == 1
    good = desk.hear(**{control: 0.25})
    assert not desk.evaluator.problems
    assert desk.hear(**{control: bad}) == good, "the last good value holds"
    assert desk.evaluator.problems
    desk.turned["/push"] = 2.0
    assert desk.hear() == 2.0
    assert desk.hear(**{control: 1e300}) == 3


def test_buttons_turn_knobs() -> None:
    assert Desk().hear(osc=True) == 1
    desk = Desk()
    desk.hear()
    assert desk.hear(midi=True) == 3
