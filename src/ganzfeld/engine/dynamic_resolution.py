"""Dynamic resolution, for `hold(fps)`: a device that is too slow draws pictures smaller inside instead of later.

The inner size is chosen by how long frames took. When they take too long, it is halved at once. It is doubled only
after a while in which the larger size would have had time to spare. That while grows each time the larger size turns
out too slow, so that the picture does not flicker between two sizes.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median

FULL = 0.92
"""Share of a frame's time that may be used."""
SPARE = 0.75
"""Share that the next larger size may be expected to use, for it to be tried."""
FRAMES = 5
"""Frames after which a size is judged too slow."""
UNSETTLED = 3
"""Frames after a change that say nothing: the first one at a size may have to be prepared."""
PATIENCE = 3.0
MOST_PATIENCE = 60.0
"""Seconds of good frames before a larger size is tried, at first and at most."""
SQUARE = 4.0
"""How much longer a picture of twice the side takes, until it has been measured."""


class DynamicResolution:
    """Chooses how many times the inner size is halved. Times in seconds."""

    def __init__(self, fps: float, most: int, halvings: int = 0) -> None:
        """`most`: how often it can be halved. `halvings`: where to begin."""
        self.fps, self.most = fps, most
        self.halvings = min(halvings, most)
        self._times: deque[float] = deque(maxlen=30)
        self._ignored = 0
        self._ratios: dict[int, float] = {}
        self._before: float | None = None
        self._good_since: float | None = None
        self._raised_at = -math.inf
        self._patience = PATIENCE

    def observe(self, seconds: float, now: float) -> None:
        """A frame took so long, at the present size; `now` on any steady clock."""
        if self._ignored < UNSETTLED:
            self._ignored += 1
            return
        self._times.append(seconds)
        if len(self._times) < FRAMES:
            return
        usual = median(list(self._times)[-FRAMES:])
        if self._before is not None:
            # What the last change made of the time, at the load that there was.
            self._ratios[self.halvings] = max(1.0, self._before / usual)
            self._before = None
        if usual * self.fps > FULL:
            self._good_since = None
            if self.halvings < self.most:
                self._lower(usual, now)
        elif self.halvings and usual * self._ratios.get(self.halvings, SQUARE) * self.fps < SPARE:
            if self._good_since is None:
                self._good_since = now
            if now - self._good_since >= self._patience:
                self._change(self.halvings - 1)
                self._raised_at = now
        else:
            self._good_since = None

    def _lower(self, usual: float, now: float) -> None:
        if now - self._raised_at < 2 * self._patience:
            self._patience = min(2 * self._patience, MOST_PATIENCE)
        else:
            self._patience = PATIENCE
        self._change(self.halvings + 1)
        self._before = usual

    def _change(self, halvings: int) -> None:
        self.halvings = halvings
        self._times.clear()
        self._ignored = 0
        self._before = self._good_since = None
