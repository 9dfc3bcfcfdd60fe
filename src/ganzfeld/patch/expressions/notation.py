"""Tidal's mini-notation: a cycle of values written as text, read once, then looked up by position.

A pattern is a small tree. Asked for a span of time, it gives its *parts*: pieces of events, in exact fractions of
cycles, as Tidal's own patterns do (McLean 2014). For a value that holds until the next one comes, a cycle's parts
become a table of the times at which the value changes; looking one up is a bisection.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from ganzfeld.patch.expressions.hashing import mix64
from ganzfeld.patch.expressions.vocabulary import UsageError

SNAP = 1e-7
"""In cycles. A position so little before a step counts as on it: beats are floats, and a third of one is not exact."""

# A patch from a stranger must not hold up the show, so the work for one table has a bound.
MOST_PARTS = 256  # in one cycle
MOST_DEPTH = 32
MOST_REPEATS = 64
LARGEST_FACTOR = 256
LONGEST_NOTATION = 4000
FARTHEST = 512  # cycles to look back and ahead over rests, fewer if the cycles have many parts

Value = float | int | str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an event. whole: when the event begins; begin, end: the piece. All in cycles."""

    whole: Fraction
    begin: Fraction
    end: Fraction
    value: Value

    def moved(self, scale: Fraction, offset: Fraction) -> Part:
        """The same piece on another time line: t becomes t·scale + offset."""
        return Part(self.whole * scale + offset, self.begin * scale + offset, self.end * scale + offset, self.value)


class Node:
    """A pattern. most: no cycle has more parts than this. period: cycles until it repeats. chance: it never does."""

    most: int = 1
    period: int = 1
    chance: bool = False

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[Part]:
        """Everything between two times, in order. salt: the seed, mixed with the path to this node."""
        raise NotImplementedError


@dataclass(frozen=True)
class Atom(Node):
    """One value, once a cycle."""

    value: Value

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[Part]:
        for cycle in range(math.floor(begin), math.ceil(end)):
            yield Part(Fraction(cycle), max(begin, Fraction(cycle)), min(end, Fraction(cycle + 1)), self.value)


class Rest(Node):
    """Nothing. It counts as a part all the same: looking for what is not there takes time too."""

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[Part]:
        return iter(())


class Sequence(Node):
    """Steps one after the other within each cycle, each as long as its share of the weights."""

    def __init__(self, steps: list[tuple[Node, Fraction]]) -> None:
        total = sum(weight for _, weight in steps)
        at = Fraction(0)
        self.steps: list[tuple[Node, Fraction, Fraction]] = []
        for node, weight in steps:
            self.steps.append((node, at, at + weight / total))
            at += weight / total
        self.most = sum(node.most for node, _ in steps)
        self.period = math.lcm(*(node.period for node, _ in steps))
        self.chance = any(node.chance for node, _ in steps)

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[Part]:
        for cycle in range(math.floor(begin), math.ceil(end)):
            for index, (node, start, stop) in enumerate(self.steps):
                low, high = max(begin, cycle + start), min(end, cycle + stop)
                if low >= high:
                    continue
                # The step's own cycle is squeezed into the step.
                scale, offset = stop - start, cycle + start - cycle * (stop - start)
                for part in node.parts((low - offset) / scale, (high - offset) / scale, mix64(index, salt)):
                    yield part.moved(scale, offset)


class Faster(Node):
    """A pattern played `factor` times as fast; below 1: slower."""

    def __init__(self, node: Node, factor: Fraction) -> None:
        self.node, self.factor = node, factor
        self.most = node.most * max(1, math.ceil(factor))
        self.period = (factor / node.period).denominator
        self.chance = node.chance

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[Part]:
        for part in self.node.parts(begin * self.factor, end * self.factor, salt):
            yield part.moved(1 / self.factor, Fraction(0))


class Sometimes(Node):
    """A pattern whose events are each left out with this probability."""

    chance = True

    def __init__(self, node: Node, missing: float) -> None:
        self.node, self.missing = node, missing
        self.most, self.period = node.most, node.period

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[Part]:
        for part in self.node.parts(begin, end, salt):
            dice = mix64(part.whole.numerator, mix64(part.whole.denominator, salt))
            if dice >= self.missing * 2.0**64:
                yield part


def alternation(steps: list[tuple[Node, Fraction]]) -> Node:
    """<a b c>: the sequence slowed down until each step of weight 1 lasts a cycle."""
    return Faster(Sequence(steps), 1 / sum((weight for _, weight in steps), Fraction(0)))


def bjorklund(k: int, n: int, rotate: int = 0) -> tuple[bool, ...]:
    """k onsets spread as evenly as they go over n steps (Bjorklund 2003, Toussaint 2005), from step `rotate` on.

    Where only one step is silent it comes last, as in Tidal.
    """
    if not 1 <= n <= 256:
        raise UsageError(f"a rhythm of {n} steps cannot be played", "From 1 to 256 steps")
    if not 0 <= k <= n:
        raise UsageError(f"{k} onsets do not fit {n} steps", f"From 0 to {n} onsets")
    if k == 0:
        return (False,) * n
    heads, tails = [[True]] * k, [[False]] * (n - k)
    while len(tails) > 1:
        pairs = min(len(heads), len(tails))
        heads, tails = [a + b for a, b in zip(heads, tails)], heads[pairs:] or tails[pairs:]
    steps = [step for group in heads + tails for step in group]
    rotate %= n
    return tuple(steps[rotate:] + steps[:rotate])


@dataclass
class Pattern:
    """A whole notation, ready to be looked up. values: all that it can give, in the order written."""

    text: str
    root: Node
    values: tuple[Value, ...]
    _tables: dict[tuple[int, int], tuple[list[float], list[Value]]] = field(default_factory=dict, repr=False)
    _parts: dict[tuple[int, int], list[Part]] = field(default_factory=dict, repr=False)

    def at(self, position: float, glide: Callable[[float], float] | None = None, seed: int = 0) -> Value:
        """The value at a position in cycles (any finite float, also below 0).

        glide: moves from each number to the next along this curve from 0 to 1, over the time between them.
        """
        cycle = math.floor(position + SNAP)
        position -= cycle
        times, values = self._table(cycle, seed)
        k = bisect_right(times, position + SNAP) - 1
        a = values[k]
        if glide is None or position <= times[k]:
            return a
        return a + (values[k + 1] - a) * glide((position - times[k]) / (times[k + 1] - times[k]))  # type: ignore[operator]

    def _table(self, cycle: int, seed: int) -> tuple[list[float], list[Value]]:
        """When the value changes within a cycle, counted from its start, with one change before and one after."""
        key = (cycle, seed) if self.root.chance else (cycle % self.root.period, 0)
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= 256:
                self._tables.clear()
            table = self._tables[key] = self._build(*key)
        return table

    def _build(self, cycle: int, seed: int) -> tuple[list[float], list[Value]]:
        # Where chance has left out everything for so long, it was told to.
        far = min(64 if self.root.chance else FARTHEST, max(4, MOST_PARTS // self.root.most))
        changes = self.changes(cycle, seed)
        if not changes or changes[0][0] > cycle:
            before = (self.changes(c, seed)[-1:] for c in range(cycle - 1, cycle - far, -1))
            # Chance can leave out everything for long: then the first value stands in.
            changes = next(filter(None, before), [(Fraction(cycle - far), self.values[0])]) + changes
        after = (self.changes(c, seed)[:1] for c in range(cycle + 1, cycle + far))
        changes += next(filter(None, after), [(Fraction(cycle + far), changes[-1][1])])
        return [float(time - cycle) for time, _ in changes], [value for _, value in changes]

    def changes(self, cycle: int, seed: int) -> list[tuple[Fraction, Value]]:
        """The times within a cycle at which an event begins, or comes back, and its value."""
        changes: list[tuple[Fraction, Value]] = []
        # What goes on from the cycle before is no change.
        last = next(reversed(self._parts_of(cycle - 1, seed)), None)
        for part in self._parts_of(cycle, seed):
            goes_on = last is not None and part.whole < part.begin == last.end and part.value == last.value
            if not goes_on:
                changes.append((part.begin, part.value))
            last = part
        return changes

    def _parts_of(self, cycle: int, seed: int) -> list[Part]:
        parts = self._parts.get((cycle, seed))
        if parts is None:
            if len(self._parts) >= 16:
                self._parts.clear()
            parts = list(self.root.parts(Fraction(cycle), Fraction(cycle + 1), seed))
            self._parts[cycle, seed] = parts
        return parts


_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z_][\w.:#-]*", re.ASCII)
_FACTOR = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}(?!\d)", re.ASCII)
_LATER = {",": "stacks", "|": "random choices", "{": "polymeters", ".": "groups by dots", "%": "polymeters"}


@lru_cache(512)
def parse_notation(text: str) -> Pattern:
    """Read a notation. Raises UsageError with the offset of the first character that does not belong."""
    return _Reader(text).pattern()


class _Reader:
    """Reads the notation by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.values: dict[tuple[type, Value], Value] = {}

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

    def steps(self, closing: str) -> list[tuple[Node, Fraction]]:
        """Steps up to a closing bracket ("": up to the end), which is not taken."""
        begin = self.at
        steps: list[tuple[Node, Fraction]] = []
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

    def step(self) -> list[tuple[Node, Fraction]]:
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

    def base(self) -> Node:
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

    def euclid(self, node: Node, begin: int) -> Node:
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
