"""Tidal's mini-notation against rhythms worked out by hand, and its rules for all patterns."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.patch.expressions.notation import bjorklund, parse_notation
from ganzfeld.patch.expressions.vocabulary import UsageError


def sampled(text: str, steps: int, cycles: int = 1, seed: int = 0) -> str:
    """The values at equal steps, a cycle after the other, looked up exactly on each step."""
    pattern = parse_notation(text)
    rows = [[pattern.at(cycle + k / steps, seed=seed) for k in range(steps)] for cycle in range(cycles)]
    return " | ".join(" ".join(map(str, row)) for row in rows)


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("0", 2, "0 0 | 0 0"),
        ("0 1 2", 3, "0 1 2 | 0 1 2"),
        ("a [b c]", 4, "a a b c | a a b c"),
        ("a [b [c d]]", 8, "a a a a b b c d | a a a a b b c d"),
        ("a <b c>", 2, "a b | a c | a b"),
        ("<a b> <c d e>", 2, "a c | b d | a e | b c | a d | b e"),
        ("<a <b c>>", 1, "a | b | a | c | a | b"),  # an alternation within one moves on only when it is reached
        ("<[a b] c>", 2, "a b | c c | a b"),
        ("<a!2 b>", 1, "a | a | b | a"),
        ("<a@3 b>", 1, "a | a | a | b | a"),
        ("<a b>*2", 2, "a b | a b"),
        ("<a b c>*2", 2, "a b | c a | b c"),
        ("a*2 b", 8, "a a a a b b b b"),
        ("[a b]*2 c", 8, "a b a b c c c c"),
        ("[a b c d]/2", 2, "a b | c d | a b"),
        ("a [b c]/2", 2, "a b | a c | a b"),
        ("a b*1.5", 6, "a a a b b b | a a a b b b"),
        ("[a b]*1.5", 6, "a a b b a a | b b a a b b | a a b b a a"),
        ("a!3 b", 4, "a a a b"),
        ("a! b", 3, "a a b"),
        ("a ! b", 3, "a a b"),
        ("a!2 ! b", 4, "a a a b"),
        ("a@3 b", 4, "a a a b"),
        ("a _ _ b", 4, "a a a b"),
        ("a@1.5 b@.5", 4, "a a a b"),
        ("a@3!2 b@2", 8, "a a a a a a b b"),
        ("a ~ b ~", 4, "a a b b"),
        ("~ a ~ b", 4, "b a a b | b a a b"),  # a rest lets the value before it last on, also across cycles
        ("<a ~ ~>", 1, "a | a | a | a"),
        ("<~ a b>", 1, "b | a | b | b | a"),
        ("a(3,8) b", 16, "a a a a a a a a b b b b b b b b"),
        ("[0 1](3,8)", 16, "0 1 1 1 1 1 0 1 1 1 1 1 0 1 1 1"),
        ("<0 1>(2,4)", 4, "0 0 0 0 | 1 1 1 1"),
        ("-1 .5 1e2 2. -.25", 5, "-1 0.5 100.0 2.0 -0.25"),
        ("image b8.conv0 L6 x-y n:2 _a", 6, "image b8.conv0 L6 x-y n:2 _a"),
        ("  a\n\tb  ", 2, "a b"),
        ("[a b]@2 [c d]", 6, "a a b b c d"),
        ("[a <b [c d]>]*2", 8, "a a b b a a c d"),
    ],
)
def test_rhythms_worked_out_by_hand(text, steps, expected):
    assert sampled(text, steps, expected.count("|") + 1) == expected


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


def test_a_rotation_starts_later_in_the_rhythm():
    assert bjorklund(3, 8, 2) == bjorklund(3, 8)[2:] + bjorklund(3, 8)[:2]
    assert sampled("[0 1](3,8,2)", 16) == "1 1 0 1 1 1 1 1 0 1 1 1 0 1 1 1"


class TestChance:
    def test_is_the_same_in_every_run_and_another_with_another_seed(self):
        once = sampled("0 1?", 2, 40)
        assert once == sampled("0 1?", 2, 40)
        assert once != sampled("0 1?", 2, 40, seed=1)

    @pytest.mark.parametrize(("text", "share"), [("0 1?", 0.5), ("0 1?0.2", 0.8), ("0 1?0", 1), ("0 1?1", 0)])
    def test_leaves_out_as_many_as_it_says(self, text, share):
        found = sampled(text, 2, 1000).replace(" |", "").split().count("1") / 1000
        assert found == pytest.approx(share, abs=0.05)

    def test_decides_for_each_event(self):
        for text in ("0 1?*8", "0 [1?]!8", "0 [1 1 1 1]?", "0 1? 1? 1?"):
            rows = {sampled(text, 16, 1, seed) for seed in range(20)}
            assert len(rows) > 3, text

    def test_what_is_left_out_lets_the_value_before_it_last_on(self):
        assert sampled("a b?1", 2, 2) == "a a | a a"
        assert sampled("<a b?1 c>", 1, 4) == "a | a | c | a"
        assert sampled("a?1", 1, 2) == "a | a"  # nothing to last on: the first value stands in


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


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("", 0, "empty"),
        ("   ", 0, "empty"),
        ("~ [~ ~]", 0, "only rests"),
        ("a [b c", 2, "never closed with ']'"),
        ("a <b [c> d", 5, "never closed with ']'"),
        ("a b]", 3, "closes nothing"),
        ("a > b", 2, "closes nothing"),
        ("a []", 2, "empty"),
        ("a {b c}", 2, "polymeters"),
        ("a,b", 1, "stacks"),
        ("a|b", 1, "random choices"),
        ("a . b", 2, "groups by dots"),
        ("a 1b", 2, "digit"),
        ("1..2", 0, "digit"),
        ("a$", 1, "does not belong"),
        ("a ü", 2, "does not belong"),
        ("a*", 2, "number must follow"),
        ("a*b", 2, "number must follow"),
        ("a*0", 2, "out of range"),
        ("a/999", 2, "out of range"),
        ("a@-1", 2, "number must follow"),
        ("a!0", 2, "out of range"),
        ("a!99", 2, "out of range"),
        ("a?2", 2, "out of range"),
        ("! a", 0, "there is none"),
        ("_ a", 0, "there is none"),
        ("a(3)", 1, "onsets,steps"),
        ("a(3,8,1,1)", 1, "onsets,steps"),
        ("a(3 8)", 1, "onsets,steps"),
        ("a(9,8)", 1, "do not fit"),
        ("a(0,0)", 1, "steps cannot be played"),
        ("a(x,8)", 2, "whole number"),
        ("a b [c*64]*64", 4, "more than 256"),
        ("1e999", 0, "too large"),
    ],
)
def test_points_at_the_mistake(text, offset, said):
    with pytest.raises(UsageError, match=said) as caught:
        parse_notation(text)
    assert caught.value.offset == offset


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
