"""Passes the tempo that a show follows on to the show."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from ganzfeld.errors import GanzfeldError, SignalError
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import Background
from ganzfeld.signals.link import LinkSession
from ganzfeld.signals.pulse import Pulse

log = logging.getLogger(__name__)
said = RepeatedLog(log)

EVERY_SECONDS = 0.05
_HOW = {
    "midi": ("no MIDI input is open", 'Open one: --midi "*"'),
    "audio": ("no sound is listened to", 'Choose a device or a file: --audio ""'),
}


class ConductedShow(Protocol):
    """The show whose tempo is set; `process.supervisor.Supervisor` is one."""

    @property
    def follow(self) -> str | None:
        """What the tempo is to be taken from."""
        ...

    @property
    def expected(self) -> float | None:
        """About how many beats a minute that has, if the patch says so; else None."""
        ...

    @property
    def floor(self) -> float | None:
        """The decibels below which sound is silence, if the patch says so; else None."""
        ...

    def tempo(self, bpm: float | None, beat: float | None = None, *, every: float = 4.0, at: float = 0.0) -> None:
        """The outside tempo, and where its beat was at `at` (perf_counter), known up to `every` beats."""
        ...

    def tap(self, at: float | None = None) -> None:
        """A hand taps the beat."""
        ...


class Conductor(Background):
    """Follows what the show asks for, in its own thread from `start` to `stop`.

    pulses: what can be followed, by name. expect: told what tempo to expect of a sound. silence: told below how
    many decibels sound is silence, when the patch says something else than before: until then a hand's choice
    holds. Link is joined when it is asked for first. problem: why there is no tempo, or None.
    """

    def __init__(
        self,
        show: ConductedShow,
        pulses: Mapping[str, Pulse],
        link: LinkSession | None = None,
        expect: Callable[[float | None], None] = lambda bpm: None,
        silence: Callable[[float], None] = lambda decibels: None,
    ) -> None:
        super().__init__("conductor")
        self.show = show
        self.pulses = dict(pulses)
        self.problem: SignalError | None = None
        self._link = link or LinkSession()
        self._expect, self._silence = expect, silence
        self._floor: float | None = None

    def _end(self) -> None:
        self._link.stop()
        self.pulses.pop("link", None)

    def look(self, now: float) -> None:
        """Pass on what is heard at `now` (perf_counter). Once every 50 ms is enough: between, the show counts on."""
        if (floor := self.show.floor) != self._floor:
            self._floor = floor
            if floor is not None:
                self._silence(floor)
        follow = self.show.follow
        try:
            pulse = None if follow in (None, "tap") else self._pulse(follow)
            self.problem = None
        except SignalError as error:
            self.problem = error
            return
        if follow == "audio":
            self._expect(self.show.expected)
        beat = pulse(now) if pulse is not None else None
        if beat is not None:
            self.show.tempo(beat.bpm, beat.beat, every=beat.every, at=now)

    def _pulse(self, follow: str) -> Pulse:
        if follow not in self.pulses:
            if follow != "link":
                what, hint = _HOW.get(follow, ("there is no such thing", ""))
                raise SignalError(f"The tempo is to follow '{follow}', but {what}", hint=hint)
            self.pulses["link"] = self._link.start().beat
        return self.pulses[follow]

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            try:
                self.look(time.perf_counter())
            except GanzfeldError as error:
                log.debug("the tempo: %s", error)
            except Exception:
                said.exception("following the tempo failed")
