"""Sound and MIDI files beside a show that is rendered frame by frame, and the sound for its film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ganzfeld.signals.audio_file import RATE, AudioFile, SoundFile
from ganzfeld.signals.features import FLOOR_DB
from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.midi_file import MidiFile
from ganzfeld.signals.midi_state import MidiState
from ganzfeld.signals.pulse import Pulse
from ganzfeld.values.time import Clock


class Accompaniment:
    """Plays files into the mailbox, up to each frame's second: call it with that before the frame is made.

    clock: of the show; if `follow` says "audio" or "midi", it bends to their tempo, `expected` to be about so fast.
    floor: see `Features`. told: what of the files is not played. Raises SignalError for a file that cannot be read.
    """

    def __init__(
        self,
        outside: Mailbox,
        clock: Clock,
        *,
        audio: Path | None = None,
        floor: float = FLOOR_DB,
        midi: Sequence[Path] = (),
        follow: str | None = None,
        expected: float | None = None,
    ) -> None:
        state = MidiState(outside)
        self._clock = clock
        self._sound = AudioFile(outside, audio, around=expected, floor=floor) if audio is not None else None
        self._scores = [MidiFile(state, path) for path in midi]
        self.told = [score.told for score in self._scores if score.told is not None]
        pulses: dict[str | None, Pulse] = {"midi": state.beat} if self._scores else {}
        if self._sound is not None:
            pulses["audio"] = self._sound.beat
        self._pulse = pulses.get(follow)

    def __call__(self, t: float) -> None:
        """The next frame is at second `t` of the show."""
        for part in (*self._scores, self._sound):
            if part is not None:
                part.advance(t)
        beat = self._pulse(t) if self._pulse is not None else None
        if beat is not None:
            self._clock.bpm = beat.bpm
            if beat.beat is not None:
                self._clock.meet(beat.beat, beat.every)


def soundtrack(audio: Path, start: float, seconds: float) -> Iterator[np.ndarray]:
    """A file's sound from a second of its loop on, float32 [samples, 2] at 48000 a second, block by block."""
    file = SoundFile(audio, tries=3)
    file.seek(start)
    missing = round(seconds * RATE)
    while missing > 0:
        yield file.read(min(RATE, missing))
        missing -= RATE
    file.close()
