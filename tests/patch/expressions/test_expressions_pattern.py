"""Patterns: what is looked up between their steps, and rules that hold for all of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.patch.expressions.notation import parse_notation
from ganzfeld.patch.expressions.pattern import bjorklund


@pytest.mark.parametrize(
    ("k", "n", "rhythm"),
    [  # Toussaint, The Euclidean Algorithm Generates Traditional Musical Rhythms (2005)
        (1, 2, "x."),
        (1, 3, "x.."),
        (2, 5, "x.x.."),
        (3, 5, "x.x.x"),
        (4, 7, "x.x.x.x"),
        (3, 7, "x.x.x.."),
        (3, 8, "x..x..x."),
        (5, 8, "x.xx.xx."),
        (4, 9, "x.x.x.x.."),
        (5, 9, "x.x.x.x.x"),
        (4, 11, "x..x..x..x."),
        (5, 12, "x..x.x..x.x."),
        (7, 12, "x.xx.x.xx.x."),
        (5, 16, "x..x..x..x..x..."),
        (7, 16, "x..x.x.x..x.x.x."),
        (9, 16, "x.xx.x.x.xx.x.x."),
        (0, 3, "..."),
        (4, 4, "xxxx"),
        (1, 1, "x"),
        (2, 3, "xx."),  # with one silent step Tidal puts it last, Toussaint second: here as in Tidal
        (7, 8, "xxxxxxx."),
    ],
)
def test_euclidean_rhythms(k, n, rhythm):
    assert "".join("x" if step else "." for step in bjorklund(k, n)) == rhythm


class TestGliding:
    def test_reaches_each_number_on_its_step(self):
        pattern = parse_notation("0 1 <2 -1> .5")
        for cycle, values in enumerate([(0, 1, 2, 0.5), (0, 1, -1, 0.5)] * 2):
            for k, value in enumerate(values):
                assert pattern.at(cycle + k / 4, lambda u: u) == value

    def test_halfway(self):
        pattern = parse_notation("0 1 <2 -1> .5")
        assert [pattern.at(k / 4 + 1 / 8, lambda u: u) for k in range(7)] == pytest.approx(
            [0.5, 1.5, 1.25, 0.25, 0.5, 0.0, -0.25]
        )

    def test_goes_on_through_rests_and_cycles(self):
        pattern = parse_notation("0 ~ 1 ~")
        assert [pattern.at(k / 8, lambda u: u) for k in range(9)] == pytest.approx(
            [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0]
        )
        slow = parse_notation("<0 1>/8")
        assert [slow.at(k, lambda u: u) for k in range(17)] == pytest.approx(
            [k / 8 if k < 8 else 2 - k / 8 for k in range(17)]
        )

    def test_a_repeated_number_stays(self):
        assert parse_notation("3").at(0.4, lambda u: u) == 3


numbers = st.integers(-9, 9).map(str)
notations = st.recursive(
    numbers | st.just("~"),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda steps: "[" + " ".join(["0", *steps]) + "]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda steps: "<" + " ".join(["0", *steps]) + ">"),
        st.tuples(inner, st.sampled_from(["*2", "*3", "/2", "!2", "@3", "(3,8)"])).map("".join),
    ),
    max_leaves=8,
).map(lambda text: f"1 {text}")
times = st.fractions(-20, 40, max_denominator=48)


@settings(max_examples=150, deadline=None)
@given(notations, times)
def test_every_pattern_repeats_with_its_period(text, time):
    pattern = parse_notation(text)
    period = pattern.root.period
    assert pattern.at(float(time)) == pattern.at(float(time + period)) == pattern.at(float(time - period))


@settings(max_examples=150, deadline=None)
@given(notations, times)
def test_playing_twice_as_fast_is_looking_up_at_twice_the_time(text, time):
    assert parse_notation(f"[{text}]*2").at(float(time)) == parse_notation(text).at(float(2 * time))
    assert parse_notation(f"[{text}]/2").at(float(2 * time)) == parse_notation(text).at(float(time))


@settings(max_examples=100, deadline=None)
@given(notations, st.integers(-5, 20))
def test_the_parts_of_a_cycle_are_in_order_and_do_not_overlap(text, cycle):
    root = parse_notation(text).root
    reached = Fraction(cycle)
    for part in root.parts(Fraction(cycle), Fraction(cycle + 1), 0):
        assert reached <= part.begin < part.end <= cycle + 1 and part.whole <= part.begin
        reached = part.end


@settings(max_examples=60, deadline=None)
@given(notations)
def test_a_glide_never_jumps(text):
    pattern = parse_notation(text)
    changes = [change for cycle in range(4) for change in pattern.changes(cycle, 0)]
    for (before, _), (time, value) in pairwise(changes):
        just_before = 3e-7  # more than SNAP
        slope = 18 / float(time - before)  # the numbers are within ±9
        assert abs(pattern.at(float(time) - just_before, lambda u: u) - value) <= slope * just_before + 1e-9
