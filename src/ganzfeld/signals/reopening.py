"""What could not be opened when a show began is tried again, with growing pauses: a network or its names may come later
than the show, and a port may be free when the program that had it has ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ganzfeld.backoff import Backoff
from ganzfeld.errors import SignalError, reason_of
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import Background

log = logging.getLogger(__name__)
said = RepeatedLog(log)

LOOK_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before it is tried again."""


class Reopening(Background):
    """Opens things again, from `start` to `stop`. Any thread may call."""

    def __init__(self) -> None:
        super().__init__("reopening")
        self._lacking: list[_Lacking] = []
        self._lock = threading.Lock()

    @property
    def problems(self) -> list[SignalError]:
        """Of what is not open."""
        with self._lock:
            return [each.problem for each in self._lacking]

    def try_now(self, opening: Callable[[], None]) -> bool:
        """Open something (`opening` raises SignalError if it cannot be opened), or try again and again from now on.
        Whether it is open."""
        lacking = _Lacking(opening)
        if lacking.opens(time.monotonic()):
            return True
        with self._lock:
            self._lacking.append(lacking)
        return False

    def _end(self) -> None:
        with self._lock:
            self._lacking.clear()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                due = [each for each in self._lacking if each.try_at <= time.monotonic()]
            for each in due:
                if not self._stopping.is_set() and each.opens(time.monotonic()):
                    with self._lock:
                        self._lacking.remove(each)


class _Lacking:
    """Something that is not open. try_at: when it is tried again (monotonic)."""

    def __init__(self, opening: Callable[[], None]) -> None:
        self._opening = opening
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self.problem = SignalError("")
        self.try_at = 0.0

    def opens(self, now: float) -> bool:
        try:
            self._opening()
            return True
        except SignalError as error:
            self.problem = error
        except Exception as error:
            said.exception("something could not be opened")
            self.problem = SignalError(f"Opening failed: {type(error).__name__}: {reason_of(error)}")
        self.try_at = now + self._backoff.pause()
        return False
