"""What an expression does where it speaks of `c`, the channel: everything for all channels at once, in NumPy.

Only what depends on `c` is worked out this way; the rest of the expression stays numbers. A value that depends on `c`
is a float64 array [channels], conditions are 0.0 and 1.0. Division by zero and the like make infinities and NaN on the
way, so that `1/c if c > 0 else 0` is no mistake; what comes out in the end has to be finite.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any

import numpy as np

from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.patch.expressions.vocabulary import UsageError


def channel(frame: FrameContext) -> np.ndarray:
    """`c` itself, [channels]."""
    if frame.c is None:
        raise UsageError("c, the channel, has no single value", "It is worked out for each channel, where it is used")
    return frame.c


def finished(value: Any, channels: int) -> np.ndarray:
    """An expression's value as finite float64 [channels]. Raises UsageError."""
    if isinstance(value, str | list | tuple):
        raise UsageError("each channel needs a number")
    every = np.broadcast_to(np.asarray(value, np.float64), (channels,))
    finite = np.isfinite(every)
    if not finite.all():
        raise UsageError(f"channel {int(finite.argmin())} has no value", "As 1/c has none where c is 0")
    return every


def each(
    call: Callable, leading: tuple[Any, ...], key: str | None, frame: FrameContext, *arguments: Any, **named: Any
) -> np.ndarray:
    """A function that takes single numbers, called for each channel. key: where each keeps its own state."""
    channels = len(channel(frame))
    columns = [_column(argument) for argument in (*arguments, *named.values())]
    result = np.empty(channels)
    for k, values in enumerate(zip(range(channels), *columns)):
        first = leading if key is None else (*leading, f"{key}/{k}")
        given = values[1 : 1 + len(arguments)]
        value = call(*first, *given, **dict(zip(named, values[1 + len(arguments) :])))
        if not isinstance(value, float | int):
            raise UsageError("each channel needs a number")
        result[k] = value
    return result


def _column(argument: Any) -> Any:
    return argument.tolist() if isinstance(argument, np.ndarray) else repeat(argument)


def compared(operators: tuple[Callable, ...], *values: Any) -> np.ndarray:
    """A chain of comparisons: `0 < c <= 8`."""
    pairs = zip(operators, values, values[1:])
    return functools.reduce(np.logical_and, (compare(a, b) for compare, a, b in pairs)).astype(np.float64)


def negated(value: Any) -> np.ndarray:
    """`not`."""
    return np.equal(value, 0).astype(np.float64)


def all_of(*values: Any) -> Any:
    """`and`: the first that is 0, else the last."""
    return functools.reduce(lambda a, b: np.where(np.not_equal(a, 0), b, a), values)


def any_of(*values: Any) -> Any:
    """`or`: the first that is not 0, else the last."""
    return functools.reduce(lambda a, b: np.where(np.not_equal(a, 0), a, b), values)


def chosen(test: Any, yes: Any, no: Any) -> np.ndarray:
    """`yes if test else no`."""
    return np.where(np.not_equal(test, 0), yes, no)


def power(x: Any, y: Any) -> np.ndarray:
    """`x ** y` on floats."""
    return np.power(np.asarray(x, np.float64), y)


def picked(values: Any, index: Any) -> np.ndarray:
    """One of a list's values; the index is floored and wraps around."""
    if not isinstance(values, list) or any(isinstance(value, str | list) for value in values):
        raise UsageError("only a list of numbers can be picked from", "Such as [3, 1, 2][c]")
    if not values:
        raise UsageError("the list is empty")
    rows = np.stack(np.broadcast_arrays(*values, index)[:-1])
    index = np.broadcast_to(index, rows.shape[1:])
    known = np.isfinite(index)
    place = np.floor(np.where(known, index, 0)).astype(np.int64) % len(values)
    return np.where(known, rows[place, np.arange(rows.shape[1])], np.nan)


OPERATIONS: Mapping[str, Callable] = {
    call.__name__: call for call in (channel, each, compared, negated, all_of, any_of, chosen, power, picked)
}
