"""What is told of a frame's values: who asked for them, beside the show, and what the render then tells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganzfeld.process.messages import ReportedValues, ReportValues
from ganzfeld.values.choosing import Chosen
from ganzfeld.values.time import Moment

Hear = Callable[[Moment, Mapping[str, Any]], None]
"""Is told a frame's moment and values by address; must not wait."""
_EARLY = 5e-4
"""Seconds of tolerance: a frame that comes slightly early would otherwise be passed over, and halve the rate."""


class Listeners:
    """Who wants to hear of values."""

    def __init__(self) -> None:
        self._all: list[tuple[ReportValues, Hear]] = []

    def add(self, choose: Sequence[str], rate: float, hear: Hear) -> Callable[[], None]:
        """One more, for these addresses and so many times a second; what is returned takes it away again."""
        listener = ReportValues(tuple(choose), rate), hear
        self._all = [*self._all, listener]

        def remove() -> None:
            self._all = [each for each in self._all if each is not listener]

        return remove

    @property
    def wanted(self) -> ReportValues | None:
        """What the render process is to tell, so that every listener hears at least what it asked for; None: there is
        none."""
        if not self._all:
            return None
        choose = tuple(dict.fromkeys(pattern for report, _ in self._all for pattern in report.choose))
        return ReportValues(choose, max(report.rate for report, _ in self._all))

    def tell(self, values: ReportedValues) -> None:
        """The render told these."""
        for _, hear in self._all:
            hear(Moment(*values.moment), values.values)


class Reporter:
    """Picks the values that were asked for, at most as often as was asked for."""

    def __init__(self) -> None:
        self._wanted = ReportValues()
        self._chosen = Chosen(())
        self._said_at = -math.inf

    def ask(self, wanted: ReportValues) -> None:
        """Tell these from now on."""
        self._wanted, self._chosen, self._said_at = wanted, Chosen(wanted.choose), -math.inf

    def due(self, now: float) -> bool:
        """Whether something is to be told at `now` (seconds of any steady clock)."""
        return bool(self._wanted.choose) and now - self._said_at >= 1 / self._wanted.rate - _EARLY

    def values(self, moment: Moment, now: float, *sources: Mapping[str, Any]) -> ReportedValues:
        """The chosen values of a frame; of an address in several sources, the last one's."""
        self._said_at = now
        values = {
            address: value
            for source in sources
            for address, value in source.items()
            if address in self._chosen and _can_be_told(value)
        }
        return ReportedValues((moment.frame, moment.t, moment.dt, moment.beat, moment.bar, moment.bpm), values)


def _can_be_told(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_can_be_told, value))
    return isinstance(value, float | str) or (isinstance(value, int) and -(2**63) <= value < 2**63)
