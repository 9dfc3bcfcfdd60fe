"""What plays as the show's time passes: a sound file, a MIDI file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ganzfeld.errors import SignalError, reason_of
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import Background

said = RepeatedLog(logging.getLogger(__name__))

POLL_SECONDS = 0.004


class Follower(Background):
    """Calls `advance` with the show's time: `start` for a thread that follows a clock; a renderer calls it itself.

    clock: gives the show's time in seconds. name: what the person calls it. problem: why it does not play, or None.
    """

    def __init__(self, clock: Callable[[], float] | None, name: str) -> None:
        super().__init__(name)
        self.clock = clock
        self.name = name
        self.problem: SignalError | None = None

    def advance(self, t: float, now: float | None = None) -> None:
        """Play everything up to second `t` of the show. The same steps give the same values.

        now: when that is (perf_counter); left out, for a renderer, `t` itself."""
        raise NotImplementedError

    def _begin(self) -> None:
        if self.clock is None:
            raise SignalError(f"{self.name} needs a clock to follow")

    def _run(self) -> None:
        assert self.clock is not None  # or `start` would have refused
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.advance(self.clock(), time.perf_counter())
                self.problem = None
            except SignalError as error:
                self.problem = error
                self._stopping.wait(1.0)
            except Exception as error:
                said.exception(f"playing {self.name} failed")
                self.problem = SignalError(f"{self.name} could not be played: {reason_of(error)}")
                self._stopping.wait(1.0)
