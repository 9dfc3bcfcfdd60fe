"""What the render tells of a frame's values, to whoever asked for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ganzfeld.engine.messages import Report, Values
from ganzfeld.values.choosing import Chosen
from ganzfeld.values.time import Moment

_EARLY = 5e-4
"""Seconds of grace, or a frame that comes a hair early halves the rate."""


class Reporter:
    """Picks the values that were asked for, at most as often as was asked for."""

    def __init__(self) -> None:
        self._wanted = Report()
        self._chosen = Chosen(())
        self._said_at = -math.inf

    def ask(self, wanted: Report) -> None:
        """Tell these from now on."""
        self._wanted, self._chosen, self._said_at = wanted, Chosen(wanted.choose), -math.inf

    def due(self, now: float) -> bool:
        """Whether something is to be told at `now` (seconds of any steady clock)."""
        return bool(self._wanted.choose) and now - self._said_at >= 1 / self._wanted.rate - _EARLY

    def values(self, moment: Moment, now: float, *sources: Mapping[str, Any]) -> Values:
        """The chosen values of a frame; of an address in several sources, the last one's."""
        self._said_at = now
        values = {
            address: value
            for source in sources
            for address, value in source.items()
            if address in self._chosen and _can_be_told(value)
        }
        return Values((moment.frame, moment.t, moment.dt, moment.beat, moment.bar, moment.bpm), values)


def _can_be_told(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_can_be_told, value))
    return isinstance(value, float | str) or (isinstance(value, int) and -(2**63) <= value < 2**63)
