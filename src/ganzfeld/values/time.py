"""The show's time: a float64 clock that can pause, change speed and jump, and the moment it yields each frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

BEATS_PER_BAR = 4
FASTEST_BPM = 1000.0
BEND_SECONDS = 0.3
"""In which 63 % of what a beat is off is made up, as long as it runs no slower than half and no faster than twice."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame's time, as every expression and node of that frame sees it.

    frame: frames since the show began, an integer that only grows (pausing does not stop it).
    t: seconds of show time (float64). dt: seconds of show time since the last frame; 0 while paused.
    beat, bar: beats and bars since the show began, with fraction. bpm: beats a minute.
    """

    frame: int
    t: float
    dt: float
    beat: float
    bar: float
    bpm: float


class Clock:
    """Turns real seconds into show time.

    The beat is integrated, so a change of `bpm` bends it and never makes it jump. Neither does an outside beat that is
    followed (`meet`): the beat hurries or waits until both fall together. It never runs backwards, nor does `t`.

    lead: beats that are still to be made up.
    """

    def __init__(self, bpm: float = 120.0) -> None:
        self.frame = -1
        self.t = 0.0
        self.beat = 0.0
        self.lead = 0.0
        self.bpm = bpm
        self.speed = 1.0
        self.paused = False
        self._meeting: tuple[float, float] | None = None

    def advance(self, seconds: float) -> Moment:
        """The next frame's moment, `seconds` of real time after the last; the first frame is t = 0."""
        first = self.frame < 0
        dt = 0.0 if self.paused or first else seconds * self.speed
        self.frame += 1
        self.t += dt
        step = dt * self.bpm / 60
        self.beat += step
        if self._meeting is not None:
            beat, every = self._meeting
            self._meeting = None
            # Which way was decided when the beat began to bend; a trembling clock must not turn it around.
            self.lead += _shortest(beat - self.beat - self.lead, every)
            if abs(self.lead) > 0.75 * BEATS_PER_BAR:
                self.lead = _shortest(self.lead, BEATS_PER_BAR)
        if self.lead and step > 0:
            made_up = self.lead * -math.expm1(-dt / BEND_SECONDS)
            made_up = min(max(made_up, -step / 2), step)
            self.lead -= made_up
            self.beat += made_up
        return Moment(self.frame, self.t, dt, self.beat, self.beat / BEATS_PER_BAR, self.bpm)

    def next(self, seconds: float) -> float:
        """The second of show time that `advance` will make it."""
        return self.t if self.paused or self.frame < 0 else self.t + seconds * self.speed

    def meet(self, beat: float, every: float = BEATS_PER_BAR) -> None:
        """The next frame is at `beat` of an outside grid of which `every` beats are known (1: where a beat falls, 4:
        where a bar does): bend towards it, the shorter way. A show that is paused, slowed or hurried keeps its own."""
        if self.speed == 1 and not self.paused:
            self._meeting = (beat, every)

    def seek(self, t: float) -> None:
        """Jump to second `t`; the beat moves along at the present tempo."""
        self.beat += (t - self.t) * self.bpm / 60
        self.t = t

    def checkpoint(self) -> dict:
        """Everything needed to go on from here, as plain numbers."""
        return {
            "frame": self.frame,
            "t": self.t,
            "beat": self.beat,
            "lead": self.lead,
            "bpm": self.bpm,
            "speed": self.speed,
            "paused": self.paused,
        }

    def restore(self, checkpoint: dict) -> None:
        """Go on from a checkpoint."""
        for name, value in checkpoint.items():
            setattr(self, name, value)


def _shortest(way: float, around: float) -> float:
    """The shortest way to the same place on a circle."""
    return (way + around / 2) % around - around / 2
