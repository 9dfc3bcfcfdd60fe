"""How old the newest frame is, and what that says of a show's health."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import psutil

from ganzfeld.values.health import STALE_SECONDS, Health
from ganzfeld.values.status import Status


class PulseWatch:
    """published: how many frames all outputs have had so far."""

    def __init__(self, published: Callable[[], int]) -> None:
        self._published = published
        self._count, self._at = published(), None
        self._began = time.perf_counter()
        self._since: float = self._began

    def look(self, now: float) -> None:
        """To be called several times a second."""
        count = self._published()
        if count != self._count:
            self._count, self._at = count, now

    def due_again(self) -> None:
        """Frames are due from now on: the ones before were long ago."""
        self._since = time.perf_counter()

    def health(self, status: Status, render_pid: int | None, *, resting: bool) -> Health:
        """How the show is now."""
        now = time.perf_counter()
        age = None if self._at is None else now - self._at
        waited = now - max(self._since, self._at or 0.0)
        return Health(
            ok=resting or waited < STALE_SECONDS,
            frame_age=None if age is None else round(age, 3),
            resting=resting,
            render_alive=status.render_alive,
            errors=len(status.errors),
            fps=round(status.fps, 2),
            up=round(now - self._began, 1),
            memory_mb=round(sum(map(_memory, (os.getpid(), render_pid))) / 1e6, 1),
        )


def _memory(pid: int | None) -> int:
    """Bytes of memory that a process holds; 0 where nobody can tell."""
    if pid is not None:
        with contextlib.suppress(psutil.Error):
            return psutil.Process(pid).memory_info().rss
    return 0
