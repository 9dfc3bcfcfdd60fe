"""Many may run, or one may capture."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Keeps apart what threads ask of a device from Python and what one of them captures.

    Work that runs from Python may use streams, or a generator of random numbers, that a capture has in hand: it would
    become part of the capture, or fail. Any number of threads may run at once, while none captures; one may capture at
    a time, while none runs. A capture takes milliseconds, a rehearsal may take seconds (it compiles kernels): so
    whoever has no time to wait asks for `capturing(wait=False)`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._capturing = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Waits for the end of a capture."""
        with self._changed:
            while self._capturing:
                self._changed.wait()
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def capturing(self, *, wait: bool = True) -> Iterator[bool]:
        """Whether it may capture now; with `wait`, always."""
        with self._changed:
            while wait and (self._capturing or self._running):
                self._changed.wait()
            granted = not self._capturing and not self._running
            self._capturing = self._capturing or granted
        try:
            yield granted
        finally:
            if granted:
                with self._changed:
                    self._capturing = False
                    self._changed.notify_all()
