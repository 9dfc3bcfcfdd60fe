"""Plain values: all that an expression may give, a state may keep and a checkpoint may hold."""

from __future__ import annotations

import numbers
from typing import Any

from ganzfeld.patch.expressions.vocabulary import UsageError
from ganzfeld.values.arrivals import LARGEST_INT, LONGEST_TEXT, MOST_ITEMS


def plain(value: Any) -> Any:
    """The value as a bool, a 64-bit int, a finite float, a short text or a list of up to 1024 of these in all.

    Tuples become lists; other real numbers (NumPy's) floats or ints. Raises UsageError for anything else.
    """
    kind = value.__class__
    if kind is float:
        return _finite(value)
    if kind is bool:
        return value
    if kind is int:
        if -LARGEST_INT <= value <= LARGEST_INT:
            return value
        raise UsageError("the whole number is too large")
    if kind is str:
        if len(value) <= LONGEST_TEXT:
            return value
        raise UsageError("the text is too long", f"At most {LONGEST_TEXT} characters")
    if kind is list or kind is tuple:
        return _list(value, [MOST_ITEMS])
    if isinstance(value, numbers.Integral):
        return plain(int(value))
    if isinstance(value, numbers.Real):
        return _finite(float(value))
    raise UsageError(
        f"{kind_of(value)} is not a value that a parameter can take", "Use a number, text or a list of them"
    )


def _finite(value: float) -> float:
    if value - value == 0:
        return value
    raise UsageError("the result is not a number" if value != value else "the result is too large")


def _list(values: list | tuple, left: list[int]) -> list:
    # Counted over all levels, for signals can hold lists of one another's lists.
    left[0] -= len(values)
    if left[0] < 0:
        raise UsageError("the list is too long", f"At most {MOST_ITEMS} values")
    return [_list(item, left) if item.__class__ in (list, tuple) else plain(item) for item in values]


def kind_of(value: Any) -> str:
    """What a value is, in the words of error messages."""
    return kind_named(type(value).__name__)


def kind_named(name: str) -> str:
    """What a value of the Python type with this name is, in the words of error messages."""
    words = {"str": "text", "list": "a list", "tuple": "a list", "bool": "a condition", "int": "a number",
             "float": "a number", "NoneType": "nothing", "bytes": "raw bytes"}  # fmt: skip
    return words.get(name, f"a {name}")
