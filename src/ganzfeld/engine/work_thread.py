"""A thread that does one task after the other, and can be left behind with a task that never ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class WorkThread:
    """As a `ThreadPoolExecutor` of one thread, but nobody waits for it when the program ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, act: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do this when all before it is done. Raises RuntimeError when the thread is closed."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{self._name} is closed")
            self._tasks.put((future, act, arguments))
            if self._thread is None:
                self._thread = threading.Thread(target=_work, args=(self._tasks,), name=self._name, daemon=True)
                self._thread.start()
        return future

    def abandon(self) -> None:
        """Leave the thread behind with what it does; a new one does what waits."""
        with self._lock:
            before, self._tasks, self._thread = self._tasks, queue.SimpleQueue(), None
            waiting = _drained(before)
            before.put(None)
        for future, act, arguments in waiting:
            again = self.submit(act, *arguments)
            again.add_done_callback(lambda done, future=future: _hand_on(done, future))

    def close(self) -> None:
        """Do nothing more after the present task."""
        with self._lock:
            self._closed = True
            for future, _, _ in _drained(self._tasks):
                future.cancel()
            self._tasks.put(None)

    def __del__(self) -> None:
        # Nobody can give it a task any more.
        self._tasks.put(None)


def _drained(tasks: queue.SimpleQueue[Any]) -> list[Any]:
    found = []
    while True:
        try:
            task = tasks.get_nowait()
        except queue.Empty:
            return found
        if task is not None:
            found.append(task)


def _hand_on(done: Future[Any], future: Future[Any]) -> None:
    if done.cancelled():
        future.cancel()
    elif (error := done.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())


def _work(tasks: queue.SimpleQueue[Any]) -> None:
    while (task := tasks.get()) is not None:
        future, act, arguments = task
        del task
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = act(*arguments)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        del future, act, arguments
