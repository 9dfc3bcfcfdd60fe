"""Even pacing: a show that cannot reach its rate makes frames at a whole division of it, evenly.

A patch that asks for 60 frames a second and gets 41 shows one picture for one refresh of a display and the next for
two, and whatever moves trembles. At an even 30 each is shown for two, and show time advances by as much from each frame
to the next, so motion is smooth.

Which division is chosen: one at which fewest pictures are late or left out. A picture that comes late disturbs more
than one that nobody expects, so it counts `LATE` times. Of a show at 60, what reaches 49 or more is left as it is, what
reaches 27 or more is paced at 30, and so on to 20, 15, 12 and 10: one that reaches 58 is left alone.

Nothing of it is in a take but the frames' times, which a take holds anyway.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean

LATE = 2.0
"""As many pictures that are left out disturb as much as one that comes late."""
LEAST_RATE = 10.0
"""Frames a second; no division goes below: there nothing looks like motion, and one frame more says more."""
STARTING = 8.0
"""Seconds after the first frame at a rate in which nothing is decided: others are at work, too, while a show starts."""
LASTING = 3.0
"""Seconds for which a lower rate has to be the better one."""
ROOM = 1.15
"""By what part frames may become slower, and a higher rate would still be the better one, for it to be tried."""
PATIENCE, MOST_PATIENCE = 3.0, 240.0
"""Seconds of such frames before it is tried, at first and at most: the while doubles when the rate was not reached."""
WINDOW = 1.0
"""Seconds of frames that are looked at; the slowest tenth of them is left out, because a hiccup is no lasting load."""
FEWEST = 5


class EvenPace:
    """Chooses the division of one rate: 1 is the rate that is asked for, 2 half of it. Times in seconds."""

    def __init__(self) -> None:
        self.division = 1
        self._frames: deque[tuple[float, float]] = deque()
        self._began: float | None = None
        self._worse_since: float | None = None
        self._better_since: float | None = None
        self._raised_at = -math.inf
        self._patience = PATIENCE

    def observe(self, seconds: float, now: float, fps: float, least: float = 0.0) -> int:
        """A frame took `seconds` of what bounds the rate, and ended at `now`; the division from now on.

        fps: the rate that is asked for. least: the one that is not to be left for an even one.
        """
        if self._began is None:
            self._began = now
        self._frames.append((now, seconds))
        while len(self._frames) > FEWEST and self._frames[0][0] < now - WINDOW:
            self._frames.popleft()
        if now - self._began < STARTING or len(self._frames) < FEWEST:
            return self.division
        periods = self._usual() * fps
        most = max(1, math.floor(fps / max(least, LEAST_RATE) + 1e-6))
        if best_division(periods, most) > self.division:
            self._better_since = None
            self._worse_since = now if self._worse_since is None else self._worse_since
            if now - self._worse_since >= LASTING:
                again = now - self._raised_at < 2 * self._patience
                self._patience = min(2 * self._patience, MOST_PATIENCE) if again else PATIENCE
                self._change(best_division(periods, most))
            return self.division
        self._worse_since = None
        better = min(best_division(periods * ROOM, most), most)
        if better >= self.division:
            self._better_since = None
            return self.division
        self._better_since = now if self._better_since is None else self._better_since
        if now - self._better_since >= self._patience or self.division > most:
            self._change(better)
            self._raised_at = now
        return self.division

    def _usual(self) -> float:
        seconds = sorted(seconds for _, seconds in self._frames)
        return fmean(seconds[: max(1, len(seconds) - math.ceil(len(seconds) / 10))])

    def _change(self, division: int) -> None:
        self.division = division
        self._frames.clear()
        self._worse_since = self._better_since = None


def best_division(periods: float, most: int) -> int:
    """Of the divisions 1 to `most` the one at which least is late or left out, if a frame takes so many periods of the
    rate."""

    def disturbs(division: int) -> float:
        late, left_out = max(0.0, 1 - division / periods), max(0.0, 1 - periods / division)
        return LATE * late + left_out

    if periods <= 1:
        return 1
    nearest = {min(max(division, 1), most) for division in (math.floor(periods), math.ceil(periods))}
    return min(sorted(nearest), key=disturbs)
