"""What may come in from outside: OSC, MIDI, the page, a Python program. Checked where it enters, so that whatever reads
it later meets plain values only."""

from __future__ import annotations

import numbers
from typing import Any

LARGEST_INT = 2**63 - 1
LONGEST_TEXT = 4096
"""Characters."""
MOST_ITEMS = 1024
"""Of a list, those of the lists in it included."""
DEEPEST_LIST = 16
LONGEST_ADDRESS = 255
"""Characters."""
PATTERN_CHARACTERS = "*?{}"


def wrong_in_address(text: str) -> int | None:
    """Where a text is no address any more: addresses begin with a slash, are on one line, and are exact. Spaces and
    brackets are allowed, for other programs send them. None: it is an address."""
    if not text.startswith("/"):
        return 0
    for place, character in enumerate(text):
        if place >= LONGEST_ADDRESS or character in PATTERN_CHARACTERS or not character.isprintable():
            return place
    return None


def is_plain(value: Any) -> bool:
    """Whether it is a bool, a 64-bit int, a finite float, a text of up to 4096 characters, or a list of up to 1024 of
    these in all."""
    lost: list[Any] = []
    return _arrived(value, lost) is not None and not lost


def arrived(value: Any) -> Any:
    """The value as it may be kept: plain, tuples as lists, NumPy's numbers as Python's. What is nothing plain (NaN, raw
    bytes, a dict, a list too long) is None; in a list, only that item is."""
    kind = value.__class__
    if kind is float:
        return value if value - value == 0 else None
    return _arrived(value, [])


def arrived_all(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of an event, each as `arrived` gives it; none at all if they are more than 1024."""
    return tuple(arrived(argument) for argument in arguments) if len(arguments) <= MOST_ITEMS else ()


class _TooMuchError(Exception):
    """A list is too long or too deep."""


def _arrived(value: Any, lost: list[Any]) -> Any:
    try:
        return _kept(value, [MOST_ITEMS], DEEPEST_LIST, lost)
    except _TooMuchError:
        return None


def _kept(value: Any, left: list[int], depth: int, lost: list[Any]) -> Any:
    """As `arrived`; `left`: how many items are still allowed. What is lost is put into `lost`."""
    if isinstance(value, list | tuple):
        left[0] -= len(value)
        if left[0] < 0 or depth <= 0:
            raise _TooMuchError
        return [_kept(item, left, depth - 1, lost) for item in value]
    kept = _single(value)
    if kept is None:
        lost.append(value)
    return kept


def _single(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value) if len(value) <= LONGEST_TEXT and _can_be_written(value) else None
    if isinstance(value, numbers.Integral):
        number = int(value)
        return number if -LARGEST_INT <= number <= LARGEST_INT else None
    if isinstance(value, numbers.Real):
        try:
            number = float(value)
        except (OverflowError, ValueError):
            return None
        return number if number - number == 0 else None
    return None


def _can_be_written(text: str) -> bool:
    """Half a surrogate pair, which no file and no other process can be given, cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
