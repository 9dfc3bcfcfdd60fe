"""Tidal's mini-notation against rhythms worked out by hand, and what is no notation."""

from __future__ import annotations

import pytest

from ganzfeld.patch.expressions.notation import parse_notation
from ganzfeld.patch.expressions.pattern import bjorklund
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
