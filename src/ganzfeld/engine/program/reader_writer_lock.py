"""A reader–writer lock: many threads may hold it as readers at once, or one thread as its writer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReaderWriterLock:
    """Keeps apart the threads that run work on a device from Python (readers) and the one that captures (the writer).

    Work that runs from Python may use streams, or a generator of random numbers, that a capture uses at that moment:
    the work would become part of the capture, or fail. A capture holds the lock for milliseconds, a rehearsal for up
    to seconds, because it compiles kernels. So a thread that must not wait asks for `exclusive(wait=False)`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._written = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold it as one of any number of readers. Waits while a writer holds it."""
        with self._changed:
            while self._written:
                self._changed.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self, *, wait: bool = True) -> Iterator[bool]:
        """Hold it as the only one. Gives whether it is held: with `wait` it always is, without only if it was free."""
        with self._changed:
            while wait and (self._written or self._readers):
                self._changed.wait()
            granted = not self._written and not self._readers
            self._written = self._written or granted
        try:
            yield granted
        finally:
            if granted:
                with self._changed:
                    self._written = False
                    self._changed.notify_all()
