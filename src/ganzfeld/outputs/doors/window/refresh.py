"""When a display shows pictures, and which picture it shows then.

A window must not simply show the newest picture there is: it is another process than the next window on the same wall,
wakes a little earlier or later, and would now and then be one picture ahead. So each picture is chosen by time alone:
at a refresh, the newest one whose stamp is at least `SETTLE_SECONDS` older than that refresh. All windows read the same
stamps on the same clock; where two displays refresh together, their windows show the same picture, and a process that
wakes late still finds the pictures that were due. Displays that refresh at different moments of the same period differ
for that moment only; joining their refreshes (genlock) is a matter of the graphics card.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Generic, TypeVar

SETTLE_SECONDS = 0.006
"""How old a picture must be when it is shown: time for every window to fetch it and hand it to the display. It is also
how long before a refresh a window begins to draw."""
MOST_OFF = 0.03
"""How far a display may be from the rate that the system says: systems round 59.94 to 59 or 60."""
CALIBRATION = 12
WARM_UP = 4
"""Refreshes that are looked at to see whether there is v-sync, after so many that are not."""
USUAL_RATE = 60.0


class RefreshClock:
    """Knows when a display refreshes, from when it took pictures. Times in seconds of perf_counter.

    What is measured trembles by a millisecond when the system wakes us late. So each measurement pulls the clock by a
    small part of what it is off, the moment quickly, the rate slowly.
    """

    PULL_MOMENT, PULL_RATE = 0.1, 0.0005

    def __init__(self, rate: float, now: float) -> None:
        """rate: as the system says it, 0: unknown."""
        self._nominal = 1 / (rate if rate > 0 else USUAL_RATE)
        self.period = self._nominal
        # Multiples of the period since the clock's own start: without v-sync, windows of one rate still agree.
        self._last = now // self.period * self.period
        self._taken: list[float] = []
        self.has_vsync: bool | None = None
        """Whether the display sets the pace; None: not known yet."""

    @property
    def rate(self) -> float:
        """Refreshes a second."""
        return 1 / self.period

    @property
    def settle(self) -> float:
        """`SETTLE_SECONDS`, or half a period of fast displays."""
        return min(SETTLE_SECONDS, self.period / 2)

    def next(self, now: float) -> float:
        """The first refresh after `now`."""
        return self._last + ((now - self._last) // self.period + 1) * self.period

    def taken(self, at: float) -> None:
        """The display took a picture."""
        if self.has_vsync is None:
            self._calibrate(at)
            return
        if not self.has_vsync:
            return
        expected = self._last + round((at - self._last) / self.period) * self.period
        off = at - expected
        self._last = expected + self.PULL_MOMENT * off
        wanted = self.period + self.PULL_RATE * off
        self.period = min(max(wanted, self._nominal * (1 - MOST_OFF)), self._nominal * (1 + MOST_OFF))

    def _calibrate(self, at: float) -> None:
        self._taken.append(at)
        if len(self._taken) == WARM_UP + CALIBRATION:
            watched = self._taken[WARM_UP - 1 :]
            # A refresh that was missed while everything starts makes the mean too long, and the median not.
            mean, usual = (watched[-1] - watched[0]) / CALIBRATION, median(b - a for a, b in pairwise(watched))
            near = [each for each in (mean, usual) if abs(each / self._nominal - 1) < 2 * MOST_OFF]
            self.has_vsync = bool(near)
            if near:
                self._last = at
                self.period = min(max(near[0], self._nominal * (1 - MOST_OFF)), self._nominal * (1 + MOST_OFF))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """Something that shows a picture, and the picture's stamp in seconds of perf_counter."""

    stamp: float
    what: T


class DuePictures(Generic[T]):
    """Holds the few newest pictures, and chooses by time among them."""

    MOST = 4

    def __init__(self) -> None:
        self._held: deque[Held[T]] = deque()

    def add(self, stamp: float, what: T) -> T | None:
        """A newer picture; what has to make room for it, if anything. A stamp that goes back (a clock that was set, a
        show that began anew) leaves nothing to choose from but the new one in the end."""
        self._held.append(Held(stamp, what))
        return self._held.popleft().what if len(self._held) > self.MOST else None

    def due(self, at: float) -> T | None:
        """The newest that is not younger than `at`; the oldest if all are: better a picture than none."""
        chosen = next((one for one in reversed(self._held) if one.stamp <= at), None)
        if chosen is None:
            chosen = self._held[0] if self._held else None
        return None if chosen is None else chosen.what

    def __iter__(self) -> Iterator[T]:
        return (one.what for one in self._held)
