"""A log that says a thing once, however often it happens: a fault that comes with every message or frame would fill the
disk, and hide all else."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

AGAIN_SECONDS = 60.0
MOST_TEXTS = 20
"""Different ones that are written within AGAIN_SECONDS."""


class RepeatedLog:
    """Writes a text into a log when it comes for the first time; if it goes on, once a minute with how often it came
    meanwhile, and without its traceback. Of ever new texts only some are written, and the number of the others. Any
    thread may call."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds of any steady clock."""
        self._log, self._clock = log, clock
        self._counts: dict[str, int] = {}  # how often each text came since it was written
        self._others = 0
        self._since = clock()
        self._lock = threading.Lock()

    def warning(self, text: str) -> None:
        """Something that a person should know."""
        self._say(logging.WARNING, text, text)

    def exception(self, text: str) -> None:
        """What happened, with the traceback of the exception that is being handled."""
        kind, error, _ = sys.exc_info()
        self._say(logging.ERROR, text, f"{text} {kind} {error}"[:1000], exc_info=True)

    def _say(self, level: int, text: str, key: str, *, exc_info: bool = False) -> None:
        with self._lock:
            before, others = self._new_minute()
            known = self._counts.get(key)
            if known is None and len(self._counts) >= MOST_TEXTS:
                self._others += 1
                return
            self._counts[key] = 0 if known is None else known + 1
        if others:
            self._log.warning("%d other messages of this kind were left out", others)
        if known is None and key in before:
            self._log.log(level, "%s (%d times more)", text, before[key] + 1)
        elif known is None:
            self._log.log(level, "%s", text, exc_info=exc_info)

    def _new_minute(self) -> tuple[dict[str, int], int]:
        """What came in the minute that is over, if it is: how often each text that was written, and how many others."""
        if self._clock() - self._since < AGAIN_SECONDS:
            return {}, 0
        before, others = self._counts, self._others
        self._counts, self._others, self._since = {}, 0, self._clock()
        return before, others
