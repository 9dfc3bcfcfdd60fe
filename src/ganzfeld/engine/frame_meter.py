"""What frames take, and how far networks are halved so that they hold the rate that a patch asks for."""

from __future__ import annotations

import time
from collections import deque
from statistics import median

from ganzfeld.engine.dynamic_resolution import DynamicResolution
from ganzfeld.engine.program.capture import Timer


class FrameMeter:
    """Measures the frames between `start` and `stop`."""

    def __init__(self, timer: Timer, threads: int = 0) -> None:
        """threads: that a frame's work is spread over, where it is done on a processor; 0: it is done on a card."""
        self._timer, self._threads = timer, threads
        self._processor_time = 0.0
        self._hold: DynamicResolution | None = None
        self.times: deque[float] = deque(maxlen=60)
        """Seconds that the last frames took on the device (on a CPU: in all), newest last."""
        self.halved = 0
        """How many times networks are halved where no rate is held."""

    @property
    def seconds(self) -> float:
        """The median of what the last frames took; 0 before the first."""
        return median(self.times) if self.times else 0.0

    @property
    def halvings(self) -> int:
        """How many times the inner size of networks is halved."""
        return self._hold.halvings if self._hold else self.halved

    def hold(self, fps: float | None, most: int, *, anew: bool = False) -> None:
        """Hold this rate (None: none) by halving at most so many times; with another rate, from where it is. anew:
        frames are made by another patch."""
        before = self._hold
        if fps is None or not most:
            self._hold = None
        elif before is None or (before.fps, before.most) != (fps, most):
            self._hold = DynamicResolution(fps, most, before.halvings if before else 0)
        elif anew:
            before.forget()

    def start(self) -> None:
        """A frame begins."""
        self._timer.start()
        self._processor_time = time.process_time()

    def stop(self, *, busy: bool = False, counts: bool = True) -> None:
        """It has ended, or the device will end it. busy: a patch is being built beside it, in this process. counts: it
        is drawn as it will be from now on, and not by a way that a faster one is about to replace."""
        self._timer.stop()
        done = self._timer.finished()
        self.times.extend(done)
        if self._hold is not None and counts:
            # All threads of this process, as if they had shared the work evenly. A card's time is its own.
            own = (time.process_time() - self._processor_time) / self._threads if self._threads else None
            for seconds in done:
                self._hold.observe(seconds, time.perf_counter(), own, busy=busy)
