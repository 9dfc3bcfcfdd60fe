"""A tempo tapped by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

SLOWEST_BPM, FASTEST_BPM = 40.0, 300.0
MOST_TAPS = 16
_FEWEST = 3  # so that one tap too many at a downbeat is no tempo
_LATE = 0.35  # of a beat: so far off its place a tap begins anew


@dataclass(frozen=True, slots=True)
class Tap:
    """What a tap means. beat: it is this beat of the run, 0 the downbeat. bpm: None while too few were tapped."""

    beat: int
    bpm: float | None


class Taps:
    """Hears taps: the first of a run is the downbeat, from the third on there is a tempo (least squares over the last
    16 taps, 40 to 300 bpm). A run ends with a pause, or with a tap far from where the beat was. Any thread may call.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._beat = 0
        self._lock = threading.Lock()

    def tap(self, t: float) -> Tap:
        """A tap at `t` (seconds of any steady clock)."""
        with self._lock:
            if self._times and self._continues(t - self._times[-1]):
                self._beat += 1
            else:
                self._times.clear()
                self._beat = 0
            self._times = [*self._times[1 - MOST_TAPS :], t]
            if len(self._times) < _FEWEST:
                return Tap(self._beat, None)
            return Tap(self._beat, 60 / self._period())

    def _continues(self, since: float) -> bool:
        if not 60 / FASTEST_BPM <= since <= 60 / SLOWEST_BPM:
            return False
        return len(self._times) < 2 or abs(since / self._period() - 1) <= _LATE

    def _period(self) -> float:
        times = np.array(self._times)
        place = np.arange(len(times)) - (len(times) - 1) / 2
        return float(place @ (times - times[0]) / (place @ place))
