"""A MIDI file played into the show, looped, in step with its time: a score, or a recorded performance."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganzfeld.errors import FeederError, SignalError
from ganzfeld.signals.follower import Follower
from ganzfeld.signals.midi_state import MidiState

MOST_AHEAD_SECONDS = 1.0
"""Show time that jumps further than this is a seek: what lies between is not played."""
MOST_AT_ONCE = 10_000
"""Messages that are played in one go. What a file has beyond them at one instant is left out."""
_SUFFIXES = (".mid", ".midi", ".smf", ".rmi", ".kar")
_TYPES = {
    0x80: ("note_off", "note", "velocity"),
    0x90: ("note_on", "note", "velocity"),
    0xA0: ("polytouch", "note", "value"),
    0xB0: ("control_change", "control", "value"),
    0xC0: ("program_change", "program", ""),
    0xD0: ("aftertouch", "value", ""),
}
_CLOCK, _START, _BEND = 0xF80000, 0xFA0000, 0xE0


@dataclass(slots=True)
class FileMessage:
    """A message of a file, with the fields of its type, as `MidiState.feed` takes them (and mido names them)."""

    type: str
    channel: int = 0
    note: int = 0
    velocity: int = 0
    control: int = 0
    value: int = 0
    program: int = 0
    pitch: int = 0

    @classmethod
    def of(cls, packed: int) -> FileMessage:
        """status << 16 | first << 8 | second data byte → the message."""
        if packed in (_CLOCK, _START):
            return cls("clock" if packed == _CLOCK else "start")
        status, first, second = packed >> 16, packed >> 8 & 127, packed & 127
        message = cls("pitchwheel", status & 15)
        if status & 0xF0 == _BEND:
            message.pitch = (first | second << 7) - 8192
            return message
        message.type, *names = _TYPES[status & 0xF0]
        for name, value in zip(names, (first, second)):
            if name:
                setattr(message, name, value)
        return message


def is_midi_file(name: str) -> bool:
    """Whether a file is meant and not a port."""
    return Path(name).suffix.lower() in _SUFFIXES


class _Score:
    """What a file holds, as it was read. Raises SignalError."""

    def __init__(self, path: Path) -> None:
        from ganzfeld.feeders.service import read_file

        try:
            answer = read_file("midi", path)
        except FeederError as error:
            raise SignalError(error.what, hint=error.hint) from None
        facts, events = answer.facts, np.array(answer.array)
        self.seconds: float = facts["seconds"]
        self.times, self.messages = events[:, 0], events[:, 1].astype(np.int64)
        self.tempi: list[tuple[float, float, float]] = [tuple(tempo) for tempo in facts["tempi"]]
        self.told: SignalError | None = None
        if facts["told"]:
            what = f"{path.name} plays, but for {'; '.join(facts['told'])}"
            self.told = SignalError(what, hint="The file is damaged, or larger than a show can use")


class MidiFile(Follower):
    """Plays a file's messages into `state` as if its tracks came from a port, and its tempo as MIDI clock.

    It begins at t = 0 and is looped. A pause holds its notes, a seek lets them go. The file is read by a feeder (see
    `feeders.midi_events`); clock messages are made when they are due. clock: gives the show's time in seconds.
    told: what of the file is not played, or None. Raises SignalError if there is no such file, or nothing in it.
    """

    def __init__(self, state: MidiState, path: Path, clock: Callable[[], float] | None = None) -> None:
        super().__init__(clock, path.name)
        self.state, self.path = state, path
        self._fresh: _Score | None = None
        self._take(_Score(path))
        self._played = 0.0  # seconds of the show: everything before has been played

    @property
    def told(self) -> SignalError | None:
        return self._score.told

    def _take(self, score: _Score) -> None:
        self._score, self.seconds, self._tempi = score, score.seconds, score.tempi
        self._times, self._messages, self._tempo_begins = score.times, score.messages, [each[0] for each in score.tempi]

    def renew(self) -> None:
        """The file has changed: play what it holds now, from where the show is. Raises SignalError if that is no score;
        then what it held before plays on."""
        self._fresh = _Score(self.path)

    def advance(self, t: float, now: float | None = None) -> None:
        """Play everything up to second `t` of the show (see `Follower.advance`)."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            self.state.unplugged(self.name)  # or notes of the score before would sound on
            self._take(fresh)
        if not 0 <= t - self._played <= MOST_AHEAD_SECONDS:
            if t < self._played - 0.25 or t > self._played:  # a clock that is merely corrected a little is waited for
                self.state.unplugged(self.name)
                self._played = t
            return
        now = t if now is None else now
        left = MOST_AT_ONCE
        while self._played < t:
            turn = math.floor(self._played / self.seconds)
            if (turn + 1) * self.seconds <= self._played:  # the quotient was rounded down
                turn += 1
            begin = max(self._played - turn * self.seconds, 0.0)
            end = min(t - turn * self.seconds, self.seconds)
            for at, packed in self.due(begin, end):
                left -= 1
                if left < 0:
                    self.state.unplugged(self.name)  # or a note that was struck would sound for ever
                    break
                self.state.feed(FileMessage.of(packed), now - (t - turn * self.seconds - at), self.name)
            # From the loop's number, for what adds up would never quite reach its end.
            self._played = t if end < self.seconds else (turn + 1) * self.seconds

    def due(self, begin: float, end: float) -> Iterator[tuple[float, int]]:
        """Second and message of all that is due from one second of a round until another, clocks included; at one
        instant the clock comes last. What is due at the very end of a round belongs to it."""
        first, last = np.searchsorted(self._times, [begin, end])
        last = len(self._times) if end >= self.seconds else last
        events = ((float(self._times[k]), 0, int(self._messages[k])) for k in range(first, last))
        clocks = ((at, 1, _CLOCK) for at in self._clocks(begin, end))
        for at, _, packed in heapq.merge(events, clocks, key=lambda due: due[:2]):
            yield at, packed

    def _clocks(self, begin: float, end: float) -> Iterator[float]:
        """The seconds of the clock messages from `begin` until `end`."""
        # One tempo earlier, for its last clock may, rounded, fall on this one's beginning.
        for k in range(max(bisect_right(self._tempo_begins, begin) - 2, 0), len(self._tempi)):
            since, before, rate = self._tempi[k]
            behind = self._tempi[k + 1][1] if k + 1 < len(self._tempi) else math.inf
            if since >= end:
                return
            clock = max(math.ceil(before), math.floor(before + (begin - since) * rate)) if rate else behind
            while clock < behind and (at := since + (clock - before) / rate) < end:
                if at >= begin:
                    yield at
                clock += 1

    def stop(self) -> None:
        """Follow no longer, and let every note go."""
        super().stop()
        self.state.unplugged(self.name)
