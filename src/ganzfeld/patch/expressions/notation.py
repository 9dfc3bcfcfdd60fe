"""Tidal's mini-notation: a cycle of values written as text, read once into a pattern."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

from ganzfeld.patch.expressions.pattern import (
    MOST_PARTS,
    Atom,
    Faster,
    Pattern,
    PatternNode,
    PatternValue,
    Rest,
    Sequence,
    Sometimes,
    alternation,
    bjorklund,
)
from ganzfeld.patch.expressions.vocabulary import UsageError

# A patch from a stranger must not hold up the show (see also MOST_PARTS).
MOST_DEPTH = 32
MOST_REPEATS = 64
LARGEST_FACTOR = 256
LONGEST_NOTATION = 4000

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z_][\w.:#-]*", re.ASCII)
_FACTOR = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}(?!\d)", re.ASCII)
_LATER = {",": "stacks", "|": "random choices", "{": "polymeters", ".": "groups by dots", "%": "polymeters"}


@lru_cache(512)
def parse_notation(text: str) -> Pattern:
    """Read a notation. Raises UsageError with the offset of the first character that does not belong."""
    return _NotationReader(text).pattern()


class _NotationReader:
    """Reads the notation by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.values: dict[tuple[type, PatternValue], PatternValue] = {}

    def pattern(self) -> Pattern:
        if len(self.text) > LONGEST_NOTATION:
            raise UsageError("the sequence is too long", f"At most {LONGEST_NOTATION} characters")
        root = Sequence(self.steps(""))
        if not self.values:
            raise UsageError("the sequence has only rests", 'Write at least one value: "0 1"', 0)
        if root.period > 1_000_000:
            raise UsageError("the sequence takes more than a million cycles to repeat", "Use rounder factors")
        return Pattern(self.text, root, tuple(self.values.values()))

    def mistake(self, what: str, hint: str = "", at: int | None = None) -> UsageError:
        return UsageError(what, hint, self.at if at is None else at)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def spaces(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def steps(self, closing: str) -> list[tuple[PatternNode, Fraction]]:
        """Steps up to a closing bracket ("": up to the end), which is not taken."""
        begin = self.at
        steps: list[tuple[PatternNode, Fraction]] = []
        while True:
            self.spaces()
            character = self.peek()
            if character == closing:
                break
            if not character or (closing and character in "]>"):
                raise self.mistake(f"this bracket is never closed with '{closing}'", at=begin - 1)
            if character == "_" and not re.match(r"\w", self.text[self.at + 1 : self.at + 2]):
                if not steps:
                    raise self.mistake("'_' makes the step before it longer, but there is none")
                self.at += 1
                steps[-1] = (steps[-1][0], steps[-1][1] + 1)
            elif character == "!":
                if not steps:
                    raise self.mistake("'!' repeats the step before it, but there is none")
                self.at += 1
                steps.append(steps[-1])
            else:
                steps += self.step()
            if sum(node.most for node, _ in steps) > MOST_PARTS or len(steps) > MOST_PARTS:
                raise self.mistake(f"the sequence has more than {MOST_PARTS} steps in a cycle", at=begin)
        if not steps:
            raise self.mistake("the sequence is empty", 'Write values with spaces between: "0 1"', max(0, begin - 1))
        return steps

    def step(self) -> list[tuple[PatternNode, Fraction]]:
        """One step with all that is attached to it."""
        begin = self.at
        node, weight, repeats = self.base(), Fraction(1), 1
        while (mark := self.peek()) and mark in "*/!@?(":
            at = self.at
            self.at += 1
            if mark == "(":
                node = self.euclid(node, at)
            elif mark == "?":
                node = Sometimes(node, self.chance())
            elif mark == "!":
                repeats *= self.whole("!", 1, MOST_REPEATS) if self.peek().isdigit() else 2
            else:
                factor = self.factor(mark)
                if mark == "@":
                    weight = factor
                else:
                    node = Faster(node, factor if mark == "*" else 1 / factor)
            if node.most > MOST_PARTS or repeats > MOST_PARTS:
                raise self.mistake(f"the sequence has more than {MOST_PARTS} steps in a cycle", at=begin)
        if mark and not mark.isspace() and mark not in "]>)":
            raise self.unexpected()
        return [(node, weight)] * repeats

    def base(self) -> PatternNode:
        """A value, a rest, a group or an alternation."""
        character = self.peek()
        if character in "[<":
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise self.mistake(f"the brackets are nested more than {MOST_DEPTH} deep")
            self.at += 1
            closing = "]" if character == "[" else ">"
            steps = self.steps(closing)
            self.at += 1
            self.depth -= 1
            return Sequence(steps) if closing == "]" else alternation(steps)
        if character == "~":
            self.at += 1
            return Rest()
        number = _NUMBER.match(self.text, self.at)
        word = number or _WORD.match(self.text, self.at)
        if word is None:
            raise self.unexpected()
        after = self.text[word.end() : word.end() + 1]
        if number and (after == "." or after.isalnum() or after == "_"):
            raise self.mistake("words cannot start with a digit", "Write a number, or a word that starts with a letter")
        value = self.number(number.group()) if number else word.group()
        self.at = word.end()
        return Atom(self.values.setdefault((type(value), value), value))

    def number(self, text: str) -> float | int:
        if re.fullmatch(r"-?[0-9]{1,15}", text):
            return int(text)
        value = float(text)
        if not math.isfinite(value):
            raise self.mistake(f"the number {text[:20]} is too large")
        return value

    def unexpected(self) -> UsageError:
        character = self.peek()
        if character in _LATER:
            return self.mistake(f"'{character}' ({_LATER[character]}) is not part of this notation")
        if character in "]>)":
            return self.mistake(f"'{character}' closes nothing")
        return self.mistake(f"'{character}' does not belong here", "Put spaces between the steps")

    def factor(self, mark: str) -> Fraction:
        match = _FACTOR.match(self.text, self.at)
        if match is None:
            raise self.mistake(f"a number must follow '{mark}'")
        factor = Fraction(match.group()[:12])
        if not Fraction(1, LARGEST_FACTOR) <= factor <= LARGEST_FACTOR:
            raise self.mistake(f"{match.group()} is out of range", f"'{mark}' goes up to {LARGEST_FACTOR}")
        self.at = match.end()
        return factor

    def whole(self, mark: str, low: int, high: int) -> int:
        match = _WHOLE.match(self.text, self.at)
        if match is None:
            raise self.mistake(f"a whole number must follow '{mark}'")
        number = int(match.group())
        if not low <= number <= high:
            raise self.mistake(f"{number} is out of range", f"'{mark}' takes {low} to {high}")
        self.at = match.end()
        return number

    def chance(self) -> float:
        match = _FACTOR.match(self.text, self.at)
        if match is None:
            return 0.5
        missing = float(match.group())
        if missing > 1:
            raise self.mistake(f"{match.group()} is out of range", "'?' takes a probability, 0 to 1")
        self.at = match.end()
        return missing

    def euclid(self, node: PatternNode, begin: int) -> PatternNode:
        """(k,n) or (k,n,rotation), after its opening bracket."""
        numbers: list[int] = []
        while True:
            self.spaces()
            numbers.append(self.whole("(" if not numbers else ",", 0, 256))
            self.spaces()
            mark = self.peek()
            self.at += 1
            if mark == ")" and len(numbers) > 1:
                break
            if mark != "," or len(numbers) == 3:
                self.at -= 1
                raise self.mistake("a rhythm is written (onsets,steps) or (onsets,steps,rotation)", at=begin)
        try:
            rhythm = bjorklund(*numbers)
        except UsageError as mistake:
            raise self.mistake(mistake.what, mistake.hint, begin) from None
        return Sequence([(node if onset else Rest(), Fraction(1)) for onset in rhythm])
