"""What people are told: short enough to be shown, and possible to send."""

from __future__ import annotations

import logging

import msgspec

from ganzfeld.cli._terminal import LONGEST_LINE, MOST_LINES, ShortLines
from ganzfeld.errors import MOST_LETTERS, GanzfeldError, nearest
from ganzfeld.values.status import Problem


def test_what_is_told_has_a_limited_length_and_can_be_sent() -> None:
    """A script may raise an array in words, a file may hold half a letter."""
    problem = Problem.of(GanzfeldError("z" * 300_000, hint="y" * 300_000))
    assert problem.what.startswith("z" * MOST_LETTERS + "…")
    assert "298,000 more characters" in problem.what
    assert len(problem.hint) < MOST_LETTERS + 50
    half = Problem.of(GanzfeldError("no \ud800 here", hint="\udfff"))
    assert half.what == "no \\ud800 here"
    assert msgspec.json.decode(msgspec.json.encode(half), type=Problem) == half
    assert GanzfeldError("\x1b[2J\x9b1m\a\ta\nb").what == "\\x1b[2J\\x9b1m\\x07\ta\nb", "a terminal obeys nothing"
    assert GanzfeldError("ü 🎨").what == "ü 🎨"


def test_very_long_words_are_not_proposed() -> None:
    assert nearest("dusk", ["dust", "d" * 100_000]) == "Did you mean 'dust'?"


def test_the_terminal_gets_lines_of_limited_length() -> None:
    text = "\n".join(["z" * 100_000, *(str(number) for number in range(5000)), "the end"])
    shown = ShortLines("%(message)s").format(logging.LogRecord("a", logging.WARNING, "", 1, text, None, None))
    lines = shown.split("\n")
    assert len(lines) == MOST_LINES + 1
    assert max(map(len, lines)) < LONGEST_LINE + 50
    assert lines[-1] == "the end"
