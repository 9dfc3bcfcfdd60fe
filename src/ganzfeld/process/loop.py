"""The real-time loop: a frame at each beat of an even grid, for weeks.

Five rules, each with its reason:

- *Deadlines are absolute.* Frame k is due at start + k / fps. A loop that sleeps "1/60 s after the last frame" drifts
  by its own overhead; this one does not.
- *Late frames are skipped, never piled up.* When a frame took longer than its place in the grid, the places that have
  passed are left out, so a hiccup costs the frames it covers and nothing after.
- *Show time lies on the grid.* When the loop had to wait for a deadline, that deadline is the frame's time, however
  late the system woke us: what reaches the display is spaced by its refresh, and motion computed from jittering wake-up
  times would tremble on it. When the loop could not wait, because the frame before took too long, the frame's time is
  the real one: then the spacing on the display is uneven too, and motion has to follow it. Show time is therefore
  never more than one frame from real time, and never drifts from it.

- *The grid may follow a display.* One that refreshes 59.94 times a second would show one of 60 pictures never, every
  17 seconds. `refresh_follower` bends the grid so slowly that nobody sees it.
- *A rate that cannot be reached is divided.* `even_pace` says by what; the grid then has every second place, or every
  third.

`FramePacer` knows the grid and does no sleeping; `Loop` takes its clock and its sleep as arguments, so that tests can
move time by hand.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from ganzfeld.process.even_pace import EvenPace
from ganzfeld.process.refresh_follower import RefreshFollower
from ganzfeld.values.time import Clock, Moment


class FramePacer:
    """The grid of deadlines. Times in seconds of any steady clock."""

    def __init__(self, fps: float, now: float, *, behind: float = 0.0) -> None:
        """`behind`: seconds of show time that the first frame makes up for, after a restart."""
        self.fps, self.division = fps, 1
        self.skipped = 0
        self._start = now
        self._next = 0
        self._last = now - behind
        self._rate = fps
        """Of the grid: `fps` by `division`, or a little beside it to follow a display."""
        self._follower = RefreshFollower()

    def set_fps(self, fps: float, now: float) -> None:
        """A new grid, from the next frame on."""
        if fps != self.fps:
            self._start, self._next = max(now, self._start + self._next / self._rate), 0
            self.fps, self.division, self._rate = fps, 1, fps

    def divide(self, division: int, now: float) -> None:
        """One place of so many of the grid of `fps`, from the next frame on. It begins at a place that both grids have,
        so that what shows the pictures keeps its step."""
        if division != self.division:
            place = max(self._next, math.ceil((now - self._start) * self._rate - 1e-6))
            self._start, self._next = self._start + place / self._rate, 0
            self.division, self._rate = division, self.fps / division

    def follow(self, at: float, rate: float, now: float) -> None:
        """A far end asked for a frame at `at`, as it does `rate` times a second: keep step with it until that has not
        been said for a while."""
        self._follower.hear(at, rate, now)

    @property
    def last(self) -> float:
        """The time of the last frame, on the clock that `now` comes from."""
        return self._last

    def wait(self, now: float) -> float:
        """Seconds until the next frame is due; 0 if it is late."""
        return max(0.0, self._start + self._next / self._rate - now)

    def begin(self, now: float, *, waited: bool) -> float:
        """Begin a frame; the seconds of show time since the last one. `waited`: the loop slept until its deadline."""
        late = (now - self._start) * self._rate - self._next
        passed = max(0, math.floor(late + 1e-6))  # rounding must not make a frame of a place that has just passed
        self.skipped += passed
        place = self._next + passed
        due = self._start + place / self._rate
        time_of_frame = due if waited else now
        seconds, self._last = time_of_frame - self._last, time_of_frame
        self._next = place + 1
        rate = self._follower.rate(self.fps / self.division, due, now)
        if rate != self._rate:
            self._start, self._next, self._rate = due, 1, rate
        return seconds


@dataclass(frozen=True, slots=True)
class Measure:
    """The last second. fps: frames a second; median_ms, worst_ms: what a frame took; skipped: frames left out, ever."""

    fps: float = 0.0
    median_ms: float = 0.0
    worst_ms: float = 0.0
    skipped: int = 0


class Meter:
    """Measures the last `span` seconds of frames."""

    def __init__(self, span: float = 1.0) -> None:
        self._span = span
        self._frames: deque[tuple[float, float]] = deque()

    def add(self, began: float, ended: float) -> None:
        """One frame, from `began` to `ended` (seconds)."""
        self._frames.append((began, ended - began))
        # One frame is kept however old it is, so that a frame of five seconds still shows a rate.
        while len(self._frames) > 2 and self._frames[0][0] < began - self._span:
            self._frames.popleft()

    def measure(self, skipped: int = 0) -> Measure:
        """What the kept frames say."""
        if not self._frames:
            return Measure(skipped=skipped)
        spent = [1000 * seconds for _, seconds in self._frames]
        span = self._frames[-1][0] - self._frames[0][0]
        fps = (len(spent) - 1) / span if span > 0 else 0.0
        return Measure(fps, median(spent), max(spent), skipped)


class LoopBody(Protocol):
    """What the loop drives."""

    def listen(self) -> None:
        """Do what was asked for since the last frame. Called after the wait, so that nothing asked for waits longer."""
        ...

    def frame(self, moment: Moment) -> None:
        """Make this moment's frame and publish it."""
        ...

    def finish(self) -> None:
        """Wait until the frame is out, if the device is still at work on it: there is time. When there is none, the
        next frame begins first."""
        ...

    def rest(self) -> None:
        """What is done between frames: reports, checkpoints."""
        ...


class Loop:
    """Drives its body at `fps` frames a second, which may be changed at any time with `set_fps`, or at an even division
    of that if it cannot be reached.

    on_device: gives the seconds that a frame takes where it is made, beside this thread.
    """

    def __init__(
        self,
        body: LoopBody,
        clock: Clock,
        *,
        fps: float = 60.0,
        behind: float = 0.0,
        now: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
        on_device: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.body, self.clock = body, clock
        self._now, self._sleep, self._on_device = now, sleep, on_device
        self._pace = FramePacer(fps, now(), behind=behind)
        self._meter = Meter()
        self._even = EvenPace()
        self._least = 0.0

    @property
    def fps(self) -> float:
        """Frames a second that are asked for."""
        return self._pace.fps

    @property
    def division(self) -> int:
        """By what that is divided, because it cannot be reached."""
        return self._pace.division

    @property
    def time(self) -> float:
        """The real time of the present frame, in seconds of the loop's clock."""
        return self._pace.last

    def set_fps(self, fps: float, least: float = 0.0) -> None:
        """Aim at another rate, from the next frame on. least: it is not divided below this one (inf: not
        at all)."""
        self._least = least
        if fps != self._pace.fps:
            self._even = EvenPace()
            self._pace.set_fps(fps, self._now())

    def follow(self, at: float, rate: float) -> None:
        """A far end would have been given a frame best at `at`, as it would `rate` times a second: make frames so that
        they are ready then."""
        self._pace.follow(at - self._meter.measure().median_ms / 1000, rate, self._now())

    def measure(self) -> Measure:
        """How the last second went."""
        return self._meter.measure(self._pace.skipped)

    def step(self) -> None:
        """Wait for the next deadline, then make one frame."""
        waited = False
        # A sleep may end early.
        while (wait := self._pace.wait(self._now())) > 0:
            waited = True
            self._sleep(wait)
        called = self._now()
        self.body.listen()
        began = self._now()
        self.body.frame(self.clock.advance(self._pace.begin(began, waited=waited)))
        made = self._now()
        self._meter.add(began, made)
        if self._pace.wait(self._now()) > 0:
            self.body.finish()
        finished = self._now()
        self.body.rest()
        # What a frame takes of this thread, or of the device beside it: while there is time, that has been waited for.
        spent = made - called + self._now() - finished
        division = self._even.observe(max(spent, self._on_device()), self._now(), self.fps, self._least)
        self._pace.divide(division, self._now())
