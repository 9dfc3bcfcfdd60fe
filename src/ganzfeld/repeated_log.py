"""A log that says a thing once, however often it happens: a fault that comes with every message or frame would fill the
disk, and hide all else."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

AGAIN_SECONDS = 60.0
MOST_REMEMBERED = 64


class RepeatedLog:
    """Writes a text into a log when it comes for the first time; if it goes on, once a minute with how often it came
    meanwhile, and without its traceback. Any thread may call."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds of any steady clock."""
        self._log, self._clock = log, clock
        self._known: dict[str, tuple[float, int]] = {}  # when it was said last, how often it came since
        self._lock = threading.Lock()

    def warning(self, text: str) -> None:
        """Something that a person should know."""
        self._say(logging.WARNING, text, text)

    def exception(self, text: str) -> None:
        """What happened, with the traceback of the exception that is being handled."""
        kind, error, _ = sys.exc_info()
        self._say(logging.ERROR, text, f"{text} {kind} {error}", exc_info=True)

    def _say(self, level: int, text: str, key: str, *, exc_info: bool = False) -> None:
        now = self._clock()
        with self._lock:
            said_at, count = self._known.get(key, (None, 0))
            if said_at is not None and now - said_at < AGAIN_SECONDS:
                self._known[key] = (said_at, count + 1)
                return
            self._known.pop(key, None)
            if len(self._known) >= MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = (now, 0)
        if said_at is None:
            self._log.log(level, "%s", text, exc_info=exc_info)
        else:
            self._log.log(level, "%s (%d times more)", text, count + 1)
