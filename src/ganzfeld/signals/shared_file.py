"""A sound file in step with the show, into the ring that doors hear it from; whether it is played aloud or not."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.audio_file import RATE, SoundFile
from ganzfeld.signals.background import Background
from ganzfeld.signals.loudspeaker import Playback, Tape
from ganzfeld.signals.show_time import ShowTime
from ganzfeld.values.sound_ring import SoundWriter

said = RepeatedLog(logging.getLogger(__name__))

BLOCK_SECONDS = 0.02
MOST_LATE_SECONDS = 0.5
"""A thread that was held up for longer leaves a gap."""


class SharedFile(Background):
    """Writes what a loudspeaker would play, from `start` to `stop`. Raises SignalError as `SoundFile` does."""

    def __init__(self, path: Path, clock: ShowTime, ring: SoundWriter) -> None:
        super().__init__("shared sound")
        self._clock, self._ring = clock, ring
        self._tape = Tape(SoundFile(path))
        self._playback = Playback(self._tape)

    def renew(self) -> None:
        """The file has changed: hand on what it holds now. Raises SignalError if that is no sound."""
        self._tape.renew()

    def _run(self) -> None:
        reached = time.perf_counter()
        while not self._stopping.wait(BLOCK_SECONDS):
            try:
                reached = self.advance(reached, time.perf_counter())
            except Exception:
                said.exception("the sound could not be handed to the doors")
                self._stopping.wait(1.0)

    def advance(self, reached: float, now: float) -> float:
        """Write what sounds from `reached` to `now` (perf_counter); up to where it went."""
        self._tape.wind(max(0, round(self._clock(now) * RATE)))
        reached = max(reached, now - MOST_LATE_SECONDS)
        count = int((now - reached) * RATE)
        # By its end, which the show knows of; its beginning may be older than what the show said last.
        wanted = round(self._clock(now) * RATE) - count if self._clock.speed == 1 else None
        if wanted is not None and wanted < 0:
            wanted = None
        self._ring.write(self._playback.next(count, wanted), reached)
        return reached + count / RATE

    def _end(self) -> None:
        self._tape.file.close()
