"""Patterns: values over cycles of time, as Tidal has them (McLean 2014), looked up by position.

A pattern is a small tree. Asked for a span of time, it gives its *parts*: pieces of events, in exact fractions of
cycles. For a value that holds until the next one comes, a cycle's parts become a table of the times at which the value
changes; looking one up is a bisection.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from ganzfeld.patch.expressions.hashing import mix64
from ganzfeld.patch.expressions.vocabulary import UsageError

SNAP = 1e-7
"""In cycles. A position so little before a step counts as on it: beats are floats, and a third of one is not exact."""

# A patch from a stranger must not hold up the show, so the work for one table has a bound.
MOST_PARTS = 256  # in one cycle
FARTHEST = 512  # cycles to look back and ahead over rests, fewer if the cycles have many parts

PatternValue = float | int | str


@dataclass(frozen=True, slots=True)
class EventPart:
    """A piece of an event. whole: when the event begins; begin, end: the piece. All in cycles."""

    whole: Fraction
    begin: Fraction
    end: Fraction
    value: PatternValue

    def moved(self, scale: Fraction, offset: Fraction) -> EventPart:
        """The same piece on another time line: t becomes t·scale + offset."""
        return EventPart(
            self.whole * scale + offset, self.begin * scale + offset, self.end * scale + offset, self.value
        )


class PatternNode:
    """A pattern. most: no cycle has more parts than this. period: cycles until it repeats. chance: it never does."""

    most: int = 1
    period: int = 1
    chance: bool = False

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[EventPart]:
        """Everything between two times, in order. salt: the seed, mixed with the path to this node."""
        raise NotImplementedError


@dataclass(frozen=True)
class Atom(PatternNode):
    """One value, once a cycle."""

    value: PatternValue

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[EventPart]:
        for cycle in range(math.floor(begin), math.ceil(end)):
            yield EventPart(Fraction(cycle), max(begin, Fraction(cycle)), min(end, Fraction(cycle + 1)), self.value)


class Rest(PatternNode):
    """Nothing. It counts as a part all the same: looking for what is not there takes time too."""

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[EventPart]:
        return iter(())


class Sequence(PatternNode):
    """Steps one after the other within each cycle, each as long as its share of the weights."""

    def __init__(self, steps: list[tuple[PatternNode, Fraction]]) -> None:
        total = sum(weight for _, weight in steps)
        at = Fraction(0)
        self.steps: list[tuple[PatternNode, Fraction, Fraction]] = []
        for node, weight in steps:
            self.steps.append((node, at, at + weight / total))
            at += weight / total
        self.most = sum(node.most for node, _ in steps)
        self.period = math.lcm(*(node.period for node, _ in steps))
        self.chance = any(node.chance for node, _ in steps)

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[EventPart]:
        for cycle in range(math.floor(begin), math.ceil(end)):
            for index, (node, start, stop) in enumerate(self.steps):
                low, high = max(begin, cycle + start), min(end, cycle + stop)
                if low >= high:
                    continue
                # The step's own cycle is squeezed into the step.
                scale, offset = stop - start, cycle + start - cycle * (stop - start)
                for part in node.parts((low - offset) / scale, (high - offset) / scale, mix64(index, salt)):
                    yield part.moved(scale, offset)


class Faster(PatternNode):
    """A pattern played `factor` times as fast; below 1: slower."""

    def __init__(self, node: PatternNode, factor: Fraction) -> None:
        self.node, self.factor = node, factor
        self.most = node.most * max(1, math.ceil(factor))
        self.period = (factor / node.period).denominator
        self.chance = node.chance

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[EventPart]:
        for part in self.node.parts(begin * self.factor, end * self.factor, salt):
            yield part.moved(1 / self.factor, Fraction(0))


class Sometimes(PatternNode):
    """A pattern whose events are each left out with this probability."""

    chance = True

    def __init__(self, node: PatternNode, missing: float) -> None:
        self.node, self.missing = node, missing
        self.most, self.period = node.most, node.period

    def parts(self, begin: Fraction, end: Fraction, salt: int) -> Iterator[EventPart]:
        for part in self.node.parts(begin, end, salt):
            dice = mix64(part.whole.numerator, mix64(part.whole.denominator, salt))
            if dice >= self.missing * 2.0**64:
                yield part


def alternation(steps: list[tuple[PatternNode, Fraction]]) -> PatternNode:
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
    root: PatternNode
    values: tuple[PatternValue, ...]
    _tables: dict[tuple[int, int], tuple[list[float], list[PatternValue]]] = field(default_factory=dict, repr=False)
    _parts: dict[tuple[int, int], list[EventPart]] = field(default_factory=dict, repr=False)

    def at(self, position: float, glide: Callable[[float], float] | None = None, seed: int = 0) -> PatternValue:
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

    def _table(self, cycle: int, seed: int) -> tuple[list[float], list[PatternValue]]:
        """When the value changes within a cycle, counted from its start, with one change before and one after."""
        key = (cycle, seed) if self.root.chance else (cycle % self.root.period, 0)
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= 256:
                self._tables.clear()
            table = self._tables[key] = self._build(*key)
        return table

    def _build(self, cycle: int, seed: int) -> tuple[list[float], list[PatternValue]]:
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

    def changes(self, cycle: int, seed: int) -> list[tuple[Fraction, PatternValue]]:
        """The times within a cycle at which an event begins, or comes back, and its value."""
        changes: list[tuple[Fraction, PatternValue]] = []
        # What goes on from the cycle before is no change.
        last = next(reversed(self._parts_of(cycle - 1, seed)), None)
        for part in self._parts_of(cycle, seed):
            goes_on = last is not None and part.whole < part.begin == last.end and part.value == last.value
            if not goes_on:
                changes.append((part.begin, part.value))
            last = part
        return changes

    def _parts_of(self, cycle: int, seed: int) -> list[EventPart]:
        parts = self._parts.get((cycle, seed))
        if parts is None:
            if len(self._parts) >= 16:
                self._parts.clear()
            parts = list(self.root.parts(Fraction(cycle), Fraction(cycle + 1), seed))
            self._parts[cycle, seed] = parts
        return parts
