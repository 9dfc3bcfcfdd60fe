"""Tempo and beat from MIDI clock: 24 ticks a quarter note."""

from __future__ import annotations

from collections import deque

import numpy as np

from ganzfeld.signals.pulse import Beat

TICKS_PER_BEAT = 24
_LONGEST = 4 * TICKS_PER_BEAT  # ticks that an estimate rests on
_FEWEST = TICKS_PER_BEAT // 2
_GAP_SECONDS = 0.25  # ticks at 10 bpm; after a longer pause the counting starts anew
_SILENT_SECONDS = 0.5  # without a tick, the clock is taken for gone
_CHANGE = 0.03  # the last half beat differs so much from the estimate: another tempo, not jitter


class MidiClock:
    """Counts ticks. Times are seconds of any clock that does not jump.

    bpm: beats a minute, by least squares over up to four beats, so that a millisecond of jitter is a few hundredths
    of a bpm; None before half a beat was heard. beat: beats since the start, with fraction; stands still while
    stopped. A clock that is heard without a start (plugged in midway) counts from its first tick.
    """

    def __init__(self) -> None:
        self.bpm: float | None = None
        self.running: bool | None = None
        self._ticks = -1
        self._times: deque[float] = deque(maxlen=_LONGEST + 1)
        self._newest = 0.0  # when the newest tick should have come, by all of them

    @property
    def beat(self) -> float:
        """Beats since the start."""
        return max(self._ticks, 0) / TICKS_PER_BEAT

    def beat_at(self, now: float) -> Beat | None:
        """The beat at a time, by the straight line through the last ticks; None while there are none.

        A clock that was running before it was heard does not tell which of its ticks are beats: then the beat is known
        up to one tick's grid only.
        """
        if self.bpm is None or now - self._times[-1] > _SILENT_SECONDS:
            return None
        if self.running is False or self._ticks < 0:
            return Beat(self.bpm)
        beat = self._ticks / TICKS_PER_BEAT + (now - self._newest) * self.bpm / 60
        return Beat(self.bpm, beat, every=4.0 if self.running else 1 / TICKS_PER_BEAT)

    def start(self) -> None:
        """The next tick is beat 0."""
        self.running = True
        self._ticks = -1

    def stop(self) -> None:
        """The beat stands still; the tempo is listened to all the same."""
        self.running = False

    def resume(self) -> None:
        """The beat goes on from where it stopped."""
        self.running = True

    def move(self, sixteenths: int) -> None:
        """The next tick is at so many sixteenth notes (a MIDI song position)."""
        self._ticks = sixteenths * TICKS_PER_BEAT // 4 - 1

    def tick(self, t: float) -> bool:
        """A tick came at `t`. True if it is a beat."""
        if self._times and not 0 <= t - self._times[-1] <= _GAP_SECONDS:
            self._times.clear()
        self._times.append(t)
        self._estimate()
        if self.running is False:
            return False
        self._ticks += 1
        return self._ticks % TICKS_PER_BEAT == 0

    def _estimate(self) -> None:
        self._newest = self._times[-1]
        if len(self._times) <= _FEWEST:
            return
        recent = (self._times[-1] - self._times[-1 - _FEWEST]) / _FEWEST
        if self.bpm is not None and recent > 0 and abs(60 / TICKS_PER_BEAT / recent / self.bpm - 1) > _CHANGE:
            while len(self._times) > _FEWEST + 1:
                self._times.popleft()
        times = np.array(self._times)
        place = np.arange(len(times)) - (len(times) - 1) / 2
        period = float(place @ (times - times[0]) / (place @ place))
        if period > 0:
            self.bpm = 60 / TICKS_PER_BEAT / period
            self._newest = float(times.mean() + period * place[-1])
