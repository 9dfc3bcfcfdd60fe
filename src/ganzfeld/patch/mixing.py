"""Weighted means of values, while an address cross-fades or morphs from one value to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np


class Free:
    """Stands for what the text says at this moment: an expression goes on moving while it is faded."""

    def __repr__(self) -> str:
        return "FREE"


FREE = Free()


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """A value made of several. parts: (share, value or FREE), the shares above 0 and 1 together.

    Numbers and lists of them are averaged; of an angle (`period` degrees are one turn) along the shorter way from the
    first part. Of anything else, and of what `switches`, the part with the largest share is taken, the later one if two
    are equal.
    """

    parts: tuple[tuple[float, Any], ...]
    period: float | None = None
    switches: bool = False

    @property
    def has_free(self) -> bool:
        """Whether the text has a share in it."""
        return any(value is FREE for _, value in self.parts)

    def value(self, own: Any) -> Any:
        """The value where the text says `own`."""
        parts = [(share, own if value is FREE else value) for share, value in self.parts]
        lengths = {len(value) for _, value in parts if isinstance(value, list)}
        if self.switches or not all(_averages(value) for _, value in parts) or len(lengths) > 1:
            return max(reversed(parts), key=lambda part: part[0])[1]
        if not lengths:
            return _average(parts, self.period)
        # What fans over matches is a list; a hand's one number stands for all of them.
        rows = [[value] * max(lengths) if not isinstance(value, list) else value for _, value in parts]
        shares = [share for share, _ in parts]
        return [_average(list(zip(shares, column)), self.period) for column in zip(*rows)]


def mix(parts: Iterable[tuple[float, Any]], period: float | None = None, switches: bool = False) -> Any:
    """The parts as one value: FREE, a plain value, or a `Mix` in which equal parts are one. Parts may be mixes."""
    parts = list(parts)
    first = parts[0][1] if parts else FREE
    if len(parts) == 2:  # by far the most: a fade of hundreds of numbers, every frame
        (one, _), (other, last) = parts
        if last is first or not other:
            return first
        if isinstance(first, float) and isinstance(last, float) and period is None and not switches:
            return first if first == last else (one * first + other * last) / (one + other)
    elif all(value is first for _, value in parts):
        return first
    if first.__class__ is float and not switches and all(value.__class__ is float for _, value in parts):
        whole = sum(share for share, _ in parts)
        return _average([(share / whole, value) for share, value in parts], period)
    flat: list[list[Any]] = []
    for share, value in parts:
        for inner, part in value.parts if isinstance(value, Mix) else ((1.0, value),):
            if share * inner <= 0:
                continue
            for known in flat:
                if is_same(known[1], part):
                    known[0] += share * inner
                    break
            else:
                flat.append([share * inner, part])
    if not flat:
        return FREE
    whole = sum(share for share, _ in flat)
    mixed = Mix(tuple((share / whole, value) for share, value in flat), period, switches)
    if len(flat) == 1:
        return flat[0][1]
    if switches:
        return mixed
    if mixed.has_free:
        return _shortened(mixed)
    return mixed.value(None) if all(_averages(value) for _, value in mixed.parts) else mixed


def _average(parts: list[tuple[float, float]], period: float | None) -> float:
    first = parts[0][1]
    if all(value is first or (value.__class__ is float and value == first) for _, value in parts):
        return first
    if period is None:
        return sum(share * value for share, value in parts)
    half = period / 2
    return first + sum(share * ((value - first + half) % period - half) for share, value in parts)


def _shortened(mixed: Mix) -> Mix:
    """One number in the place of all that stand beside FREE, so that fades that interrupt fades do not pile up."""
    held = [(share, value) for share, value in mixed.parts if value is not FREE]
    if len(held) < 2 or not all(_averages(value) for _, value in held):
        return mixed
    whole = sum(share for share, _ in held)
    one = Mix(tuple((share / whole, value) for share, value in held), mixed.period).value(None)
    return Mix((*((share, FREE) for share, value in mixed.parts if value is FREE), (whole, one)), mixed.period)


def _averages(value: Any) -> bool:
    if isinstance(value, list):
        return all(_averages(item) and not isinstance(item, list) for item in value)
    return isinstance(value, int | float | np.ndarray) and not isinstance(value, bool)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values, FREE or mixes are the same for sure."""
    return one is other or (one.__class__ is other.__class__ and one.__class__ is not Mix and one == other)
