"""Work in a thread of its own, which everything that listens, plays or follows has."""

from __future__ import annotations

import threading
from typing import Self


class Background:
    """Runs `_run` in a thread from `start` to `stop`. Both may be called again, and it serves as a context.

    `_run` ends soon after `self._stopping` is set. `_begin` is called before the thread is there, and what it raises
    `start` raises; `_end` after it is gone.
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
            self._thread.join()
            self._thread = None
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
