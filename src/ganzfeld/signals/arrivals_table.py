"""Which messages of OSC and MIDI arrived of late, and how many a second: for a person who looks for an address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganzfeld.values.inputs import Arrival, ArrivalSource

MOST_ADDRESSES = 256
"""Of more, those go that were silent longest."""
LONGEST_ADDRESS = 200
LONGEST_VALUE = 80


@dataclass(slots=True)
class _Row:
    source: ArrivalSource
    value: Any
    at: float
    second: int
    count: int = 0
    before: int = 0
    """Messages of `second`, and of the one before it."""


class ArrivalsTable:
    """Counts what arrives. Any thread may call. now: seconds of a steady clock."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._lock = threading.Lock()

    def heard(self, source: ArrivalSource, address: str, value: Any = None) -> None:
        """A message arrived. value: its argument, or its arguments, or None."""
        if len(address) > LONGEST_ADDRESS:
            return
        now = self._now()
        second = int(now)
        with self._lock:
            row = self._rows.get(address)
            if row is None:
                row = self._rows[address] = _Row(source, value, now, second)
                if len(self._rows) > MOST_ADDRESSES:
                    self._rows.popitem(last=False)
            else:
                self._rows.move_to_end(address)
                if second != row.second:
                    row.before = row.count if second == row.second + 1 else 0
                    row.second, row.count = second, 0
            row.source, row.at = source, now
            row.count += 1
            if value is not None:
                row.value = value

    def look(self) -> tuple[Arrival, ...]:
        """What arrived, the newest first."""
        now = self._now()
        second = int(now)
        with self._lock:
            return tuple(
                Arrival(row.source, address, _text(row.value), _rate(row, second), round(now - row.at, 2))
                for address, row in reversed(self._rows.items())
            )


def _rate(row: _Row, second: int) -> float:
    if second == row.second:
        return float(max(row.before, row.count))
    return float(row.count) if second == row.second + 1 else 0.0


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value[:16]))[:LONGEST_VALUE]
    return str(value)[:LONGEST_VALUE]
