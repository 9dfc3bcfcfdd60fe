"""A MIDI file played into the show, looped, in step with its time: a score, or a recorded performance."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganzfeld.errors import SignalError
from ganzfeld.signals.follower import Follower
from ganzfeld.signals.midi_clock import TICKS_PER_BEAT
from ganzfeld.signals.midi_state import MidiState

MOST_AHEAD_SECONDS = 1.0
"""Show time that jumps further than this is a seek: what lies between is not played."""
_SUFFIXES = (".mid", ".midi")
_MICROSECONDS_A_BEAT = 500_000  # until a file says otherwise


def is_midi_file(name: str) -> bool:
    """Whether a file is meant and not a port."""
    return Path(name).suffix.lower() in _SUFFIXES


class MidiFile(Follower):
    """Plays a file's messages into `state` as if its tracks came from a port, and its tempo as MIDI clock.

    It begins at t = 0 and is looped. A pause holds its notes, a seek lets them go. clock: gives the show's time in
    seconds. Raises SignalError if there is no such file, or nothing in it.
    """

    def __init__(self, state: MidiState, path: Path, clock: Callable[[], float] | None = None) -> None:
        super().__init__(clock, path.name)
        self.state = state
        self.messages, self.seconds = read(path)
        self._times = [at for at, _ in self.messages]
        self._played = 0.0  # seconds of the show: everything before has been played

    def advance(self, t: float, now: float | None = None) -> None:
        """Play everything up to second `t` of the show (see `Follower.advance`)."""
        if not 0 <= t - self._played <= MOST_AHEAD_SECONDS:
            if t < self._played - 0.25 or t > self._played:  # a clock that is merely corrected a little is waited for
                self.state.unplugged(self.name)
                self._played = t
            return
        now = t if now is None else now
        while self._played < t:
            turn, begin = divmod(self._played, self.seconds)
            end = min(t - turn * self.seconds, self.seconds)
            first, last = bisect.bisect_left(self._times, begin), bisect.bisect_left(self._times, end)
            for at, message in self.messages[first:last]:
                self.state.feed(message, now - (t - turn * self.seconds - at), self.name)
            # From the loop's number, for what adds up would never quite reach its end.
            self._played = t if end < self.seconds else (turn + 1) * self.seconds

    def stop(self) -> None:
        """Follow no longer, and let every note go."""
        super().stop()
        self.state.unplugged(self.name)


def read(path: Path) -> tuple[list[tuple[float, Any]], float]:
    """A file's messages (mido's) with their seconds, among them its clock, and how long it is. Raises SignalError."""
    try:
        import mido
    except ImportError:
        hint = 'In the folder of Ganzfeld: pip install -c constraints.txt ".[midi]"'
        raise SignalError("MIDI needs a package that is not here: mido", hint=hint) from None
    if not path.is_file():
        raise SignalError(f"There is no file {path}", hint="Give a MIDI file, or a port's name")
    try:
        file = mido.MidiFile(str(path), clip=True)
        merged = mido.merge_tracks(file.tracks)
    except Exception as error:  # mido's reader raises whatever a damaged file makes it stumble over
        raise SignalError(f"{path.name} cannot be read as MIDI: {error or type(error).__name__}") from None
    if file.ticks_per_beat <= 0:
        raise SignalError(f"{path.name} counts frames of film, not beats", hint="Save it again with a tempo")
    messages: list[tuple[float, Any]] = [(0.0, mido.Message("start"))]
    clock = file.ticks_per_beat / TICKS_PER_BEAT
    seconds, tick, next_clock, tempo = 0.0, 0, 0.0, _MICROSECONDS_A_BEAT
    for message in merged:
        a_tick = tempo / 1e6 / file.ticks_per_beat
        while next_clock < tick + message.time:
            messages.append((seconds + (next_clock - tick) * a_tick, mido.Message("clock")))
            next_clock += clock
        seconds, tick = seconds + message.time * a_tick, tick + message.time
        if message.type == "set_tempo":
            tempo = message.tempo
        elif not message.is_meta:
            messages.append((seconds, message))
    if seconds <= 0:
        raise SignalError(f"There is nothing in {path.name}")
    return messages, seconds
