"""The show's time in a process that is only told of it now and then."""

from __future__ import annotations

import time

MOST_AHEAD_SECONDS = 1.0


class ShowTime:
    """`report` what is known; call it for the time now, which goes on from there at the reported speed.

    Without news it stands still after a second: the render may be gone. Times are those of `time.perf_counter`,
    which all processes of a machine share.
    """

    def __init__(self) -> None:
        self._known = (0.0, 0.0, 0.0)  # show time, when it was so, speed: one tuple, so that no reader sees half

    def report(self, t: float, *, paused: bool = False, speed: float = 1.0, now: float | None = None) -> None:
        """The show was at second `t` at `now` (default: now)."""
        self._known = (t, time.perf_counter() if now is None else now, 0.0 if paused else speed)

    def __call__(self, now: float | None = None) -> float:
        """The show's second."""
        t, at, speed = self._known
        since = (time.perf_counter() if now is None else now) - at
        return t + min(max(since, 0.0), MOST_AHEAD_SECONDS) * speed
