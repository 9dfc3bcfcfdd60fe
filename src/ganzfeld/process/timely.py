"""Calls that may never return (a file on a network drive that went away), made so that nobody waits for ever."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class TimelyCalls:
    """Makes calls one after the other, on a thread of its own. A call that takes too long is left behind with its
    thread, and another thread makes the next ones. For one caller at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: queue.SimpleQueue[Any] | None = None
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[[], Result], seconds: float) -> Result:
        """What the function returns or raises. Raises `LeftBehind` if that takes longer."""
        if self._work is None:
            self._work = queue.SimpleQueue()
            self._thread = threading.Thread(target=_work, args=(self._work,), name=self._name, daemon=True)
            self._thread.start()
        assert self._thread is not None
        answer: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._work.put((function, answer))
        try:
            result, error = answer.get(timeout=seconds)
        except queue.Empty:
            thread = self._thread
            self.close()
            raise LeftBehind(thread) from None
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """The thread ends when it has nothing more to do."""
        if self._work is not None:
            self._work.put(None)
            self._work = self._thread = None


class LeftBehind(Exception):  # noqa: N818 (it says what happened)
    """A call took too long. thread: still makes it."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__("it does not answer")
        self.thread = thread


def _work(work: queue.SimpleQueue[Any]) -> None:
    while (task := work.get()) is not None:
        function, answer = task
        try:
            answer.put((function(), None))
        except BaseException as error:
            answer.put((None, error))
