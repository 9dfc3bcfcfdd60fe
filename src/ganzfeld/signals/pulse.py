"""A tempo that comes from outside, at one instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beat:
    """bpm: beats a minute. beat: where the beat is, known up to `every` beats (1: where a beat falls, 4: where a bar
    does); None while only the tempo is known, as of a clock that stands."""

    bpm: float
    beat: float | None = None
    every: float = 4.0


Pulse = Callable[[float], Beat | None]
"""The beat at an instant (perf_counter, now or a moment ago); None while nothing is heard."""
