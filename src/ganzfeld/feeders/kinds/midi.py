"""MIDI files: all of a score at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganzfeld.errors import FeederError, reason_of
from ganzfeld.feeders.base import Answer, Feeder, Limits, answers, check_file
from ganzfeld.feeders.midi_events import MOST_BYTES, read_score


class MidiFeeder(Feeder):
    """A MIDI file (see `midi_events`). Only its beginning is read, if it is too large."""

    limits = Limits("scores", memory=1 << 29, cpu_seconds=30, patience=30.0)

    def __init__(self, path: Path) -> None:
        """Raises FeederError."""
        check_file(path, 1 << 40, "Give a MIDI file, or a port's name")
        try:
            with path.open("rb") as file:
                self._score = read_score(file.read(MOST_BYTES + 1))
        except OSError as error:
            raise FeederError(f"{path.name} cannot be read as MIDI: {reason_of(error)}") from None
        except ValueError as error:
            raise FeederError(f"{path.name} cannot be read as MIDI: {error}") from None

    @answers
    def read(self) -> Answer:
        """The events, float64 [n, 2]: seconds and message. facts: `Score.seconds`, `tempi` and `told`."""
        score = self._score
        facts = {"seconds": score.seconds, "tempi": score.tempi, "told": score.told}
        return Answer(facts, np.stack([score.times, score.messages.astype(np.float64)], axis=1))
