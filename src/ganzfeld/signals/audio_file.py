"""Sound from a file, looped, in step with the show's time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from ganzfeld.errors import FeederError, SignalError
from ganzfeld.signals.audio import Hearing
from ganzfeld.signals.follower import Follower
from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.pulse import Beat
from ganzfeld.values.inputs import SoundHeard

RATE = 48000
"""Samples a second, whatever the file has."""
MOST_AHEAD_SECONDS = 1.0
"""Show time that jumps further than this is a seek."""
MOST_BACK_SECONDS = 0.25
"""So is time that goes back further than this; a clock that is merely corrected a little is waited for."""
_RENDERS_TRY = 3
_BLOCK = 8192  # samples that are decoded at once; as many as come through a pipe
_NOTHING = np.zeros((0, 2), np.float32)


class SoundFile:
    """Reads the sound of a file (whatever FFmpeg reads, films too) as one endless loop of samples [n, 2]: left and
    right, of one channel the same twice. A feeder decodes it (see `feeders.kinds.sound`), a little ahead.

    rate: samples a second. tries: how often a decoder that dies is replaced at once: 1 in a show, where the sound may
    come back a little later; more in a render. Raises SignalError if there is no such file, or no sound in it.
    """

    def __init__(self, path: Path, *, rate: int = RATE, tries: int = 1) -> None:
        from ganzfeld.feeders.service import OpenFeeder

        self.path, self.rate, self._tries = path, rate, tries
        with _as_signal_error():
            self._feeder = OpenFeeder("sound", path, rate=rate)
        self.samples: int | None = None
        """Of one round; known when the end was reached for the first time."""
        self._place = 0  # the sample that is read next, since the loop began
        self._ahead = _NOTHING

    @property
    def seconds(self) -> float | None:
        """How long one round is; before the end was reached, what the file says of itself; None if it says nothing."""
        if self.samples is not None:
            return self.samples / self.rate
        return self._feeder.facts["seconds"]

    def read(self, count: int) -> np.ndarray:
        """The next samples, float32 [count, 2] in −1..1, from the beginning again after the end. Raises SignalError."""
        parts, missing = [], count
        while missing > 0:
            if not len(self._ahead):
                self._ahead = self._decoded()
            part, self._ahead = self._ahead[:missing], self._ahead[missing:]
            parts.append(part)
            missing -= len(part)
            self._place += len(part)
        return np.concatenate(parts) if parts else _NOTHING

    def _decoded(self) -> np.ndarray:
        with _as_signal_error():
            answer = self._feeder.ask("read", tries=self._tries, start=self._place, count=_BLOCK)
        self.samples = answer.facts
        if answer.array is None or not len(answer.array):
            raise SignalError(f"There is no sound in {self.path.name}")
        return np.array(answer.array)

    def seek(self, seconds: float) -> None:
        """Go on from a second of the loop (any number; rounds are counted off)."""
        self._ahead, self._place = _NOTHING, max(round(seconds * self.rate), 0)

    def close(self) -> None:
        """Close the file."""
        self._feeder.close()


@contextlib.contextmanager
def _as_signal_error() -> Iterator[None]:
    try:
        yield
    except FeederError as error:
        raise SignalError(error.what, hint=error.hint) from None


class AudioFile(Follower):
    """Hears a file as the show's time passes: `advance` for a renderer, `start` for a thread that follows a clock.

    The sound begins at t = 0 and is looped. Paused time hears nothing new; a jump of time is one of the file.
    clock: gives the show's time in seconds; without one, a renderer asks. options: those of `Hearing`. Raises
    SignalError as `SoundFile` does.
    """

    def __init__(self, outside: Mailbox, path: Path, clock: Callable[[], float] | None = None, **options: Any) -> None:
        super().__init__(clock, path.name)
        self.file = SoundFile(path, tries=1 if clock is not None else _RENDERS_TRY)
        self.hearing = Hearing(outside, RATE, **options)
        self._heard = 0  # samples since t = 0
        self._fresh: SoundFile | None = None

    def advance(self, t: float, now: float | None = None) -> None:
        """Hear everything up to second `t` of the show (see `Follower.advance`)."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            before, self.file = self.file, fresh
            fresh.seek(self._heard / RATE)
            before.close()
        until = round(t * RATE)
        if not -MOST_BACK_SECONDS * RATE <= until - self._heard <= MOST_AHEAD_SECONDS * RATE:
            self.file.seek(t)
            self._heard = until
            return
        if until > self._heard:
            self.hearing.feed(self.file.read(until - self._heard), t if now is None else now)
            self._heard = until

    def renew(self) -> None:
        """The file has changed: hear what it holds now, from where the show is. Raises SignalError if that is no sound;
        then what it held before is heard on."""
        self._fresh = SoundFile(self.file.path)

    def stop(self) -> None:
        """Follow no longer, and close the file."""
        super().stop()
        self.hearing.silence()
        for file in (self.file, self._fresh):
            if file is not None:
                file.close()

    def look(self) -> SoundHeard:
        """What is heard just now, for a person."""
        return replace(self.hearing.look(), source=self.file.path.name, is_file=True)

    def silence_below(self, decibels: float) -> None:
        """What is quieter than this is silence from now on."""
        self.hearing.features.floor = decibels

    def expect(self, bpm: float | None) -> None:
        """About how fast the sound may be (see `TempoTracker`'s `around`)."""
        self.hearing.tempo.around = bpm

    def beat(self, now: float) -> Beat | None:
        """As `Hearing.beat`."""
        return self.hearing.beat(now)
