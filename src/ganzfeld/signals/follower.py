"""What plays as the show's time passes: a sound file, a MIDI file."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Self

from ganzfeld.errors import SignalError

log = logging.getLogger(__name__)

POLL_SECONDS = 0.004


class Follower:
    """Calls `advance` with the show's time: `start` for a thread that follows a clock; a renderer calls it itself.

    clock: gives the show's time in seconds. name: what the person calls it. problem: why it does not play, or None.
    """

    def __init__(self, clock: Callable[[], float] | None, name: str) -> None:
        self.clock = clock
        self.name = name
        self.problem: SignalError | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def advance(self, t: float, now: float | None = None) -> None:
        """Play everything up to second `t` of the show. The same steps give the same values.

        now: when that is (perf_counter); left out, for a renderer, `t` itself."""
        raise NotImplementedError

    def start(self) -> Self:
        """Follow the clock. Raises SignalError without one."""
        if self.clock is None:
            raise SignalError(f"{self.name} needs a clock to follow")
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, args=(self.clock,), name=self.name, daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Follow no longer."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, clock: Callable[[], float]) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.advance(clock(), time.perf_counter())
                self.problem = None
            except SignalError as error:
                self.problem = error
                self._stopping.wait(1.0)
            except Exception as error:
                log.exception("playing %s failed", self.name)
                self.problem = SignalError(f"{self.name} could not be played: {error}")
                self._stopping.wait(1.0)
