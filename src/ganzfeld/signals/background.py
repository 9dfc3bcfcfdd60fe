"""Work in a thread of its own, which everything that listens, plays or follows has."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from ganzfeld.errors import SignalError

log = logging.getLogger(__name__)

SECONDS_TO_END = 3.0
SECONDS_TO_ANSWER = 2.0
"""A driver that takes longer to open, close or list something is told."""
left_behind: set[threading.Thread] = set()
"""Threads that did not end when they should: a driver does not return. The program ends without waiting for them."""


class Background:
    """Runs `_run` in a thread from `start` to `stop`. Both may be called again, and it serves as a context.

    `_run` ends soon after `self._stopping` is set; a thread that a driver holds up is left behind. `_begin` is called
    before the thread is there, and what it raises `start` raises; `_end` after it is gone.
    """

    def __init__(self, name: str) -> None:
        """name: the thread's."""
        self._thread_name = name
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin, unless it has begun."""
        if self._thread is None:
            self._begin()
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name=self._thread_name, daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """End, and let go of what was open."""
        self._stopping.set()
        if self._thread is not None:
            thread, self._thread = self._thread, None
            thread.join(SECONDS_TO_END)
            if thread.is_alive():
                log.warning("%s does not end: its driver does not answer", self._thread_name)
                left_behind.add(thread)
                return  # what it has open cannot be let go of
        self._end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        """Open what the thread needs."""

    def _end(self) -> None:
        """Let go of it."""

    def _run(self) -> None:
        raise NotImplementedError


class DriverThread(Background):
    """Work with a driver, which may raise anything, or never return."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._problem: SignalError | None = None
        self._at: tuple[str, float] | None = None

    @property
    def problem(self) -> SignalError | None:
        """Why it does not work now, or None."""
        at = self._at
        if at is not None and time.monotonic() - at[1] > SECONDS_TO_ANSWER:
            hint = "It is waited for; pull the device out and plug it in again, or choose another"
            return SignalError(f"The driver of {at[0]} does not answer", hint=hint)
        return self._problem

    @problem.setter
    def problem(self, problem: SignalError | None) -> None:
        self._problem = problem

    @contextlib.contextmanager
    def _driver_of(self, what: str) -> Iterator[None]:
        """Within it, the driver of this is asked for something."""
        self._at = (what, time.monotonic())
        try:
            yield
        finally:
            self._at = None

    @contextlib.contextmanager
    def _stream_of(self, what: str, make: Callable[[], Any]) -> Iterator[Any]:
        """A stream of this device, from its opening to its end."""
        with contextlib.ExitStack() as opened:
            with self._driver_of(what):
                stream = opened.enter_context(make())
            try:
                yield stream
            finally:
                with self._driver_of(what):
                    opened.close()
