"""The show's time in a process that is only told of it now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

MOST_AHEAD_SECONDS = 1.0


class KnownTime(NamedTuple):
    """The show was at second `t` at `at` (perf_counter, which all processes of a machine share), and goes on at
    `speed` seconds a second; 0 while it is paused."""

    t: float
    at: float
    speed: float


class ShowTime:
    """Call it for the show's time now, or at another instant (perf_counter). `ask` tells what is known.

    Without news it stands still after a second: the render may be gone.
    """

    def __init__(self, ask: Callable[[], KnownTime]) -> None:
        self._ask = ask

    def __call__(self, now: float | None = None) -> float:
        """The show's second."""
        t, at, speed = self._ask()
        since = (time.perf_counter() if now is None else now) - at
        return t + min(max(since, 0.0), MOST_AHEAD_SECONDS) * speed

    @property
    def speed(self) -> float:
        """Seconds of show time in a second; 0 while it stands still."""
        _, at, speed = self._ask()
        return speed if time.perf_counter() - at < MOST_AHEAD_SECONDS else 0.0
