"""Sources that send pictures by themselves (cameras, NDI, streams, other programs): the newest picture wins."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ganzfeld.errors import FeederError, PatchError
from ganzfeld.feeders.service import OpenFeeder
from ganzfeld.patch.media.srt_relay import relayed
from ganzfeld.repeated_log import RepeatedLog

log = logging.getLogger(__name__)
said = RepeatedLog(log)

IDLE_SECONDS = 3.0
TRY_AGAIN_SECONDS = 1.0
WAIT_SECONDS = 0.25
"""How long a feeder waits for something newer before it answers that there is none."""


class LiveSource:
    """A source that a feeder's process receives, shared by every node that shows it. It is opened by the first call of
    `newest`, and closed IDLE_SECONDS after the last one. While it is not there, its last array stays."""

    def __init__(self, kind: str, first: np.ndarray, **options: Any) -> None:
        """kind: of a feeder derived from `LiveFeeder`; options: what it takes. first: what is there before anything
        comes; all else has its shape."""
        self._kind, self._options = kind, options
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = 0.0
        self._array = first
        self.problem: PatchError | None = None

    def newest(self) -> np.ndarray:
        """What came last; the same array while nothing newer did. Never waits."""
        with self._lock:
            self._asked = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"ganzfeld-{self._kind}", daemon=True)
                self._thread.start()
            return self._array

    def _run(self) -> None:
        while not self._left():
            try:
                self._receive()
            except FeederError as error:
                self.problem = PatchError(error.what, hint=error.hint)
            except Exception as error:
                said.exception("a source failed")
                self.problem = PatchError(f"{self._kind} failed: {type(error).__name__}: {error}")
            again = time.monotonic() + TRY_AGAIN_SECONDS
            while time.monotonic() < again and not self._left():
                time.sleep(0.05)

    def _left(self) -> bool:
        """Whether nothing has been asked for in the last IDLE_SECONDS; this thread has to end then."""
        with self._lock:
            if time.monotonic() - self._asked <= IDLE_SECONDS:
                return False
            if self._thread is threading.current_thread():
                self._thread = None
            return True

    def _receive(self) -> None:
        """Take what comes until nobody asks any more. Raises FeederError."""
        with self._reached() as (options, is_there):
            self._receive_from(options, is_there)

    def _reached(self) -> AbstractContextManager[tuple[dict[str, Any], Callable[[], bool]]]:
        """What the feeder takes, and whether what the source needs besides is still there."""
        if not str(self._options.get("address", "")).startswith("srt:"):
            return nullcontext((self._options, lambda: True))
        return relayed(self._options)

    def _receive_from(self, options: dict[str, Any], is_there: Callable[[], bool]) -> None:
        feeder = OpenFeeder(self._kind, slots=2, **options)
        try:
            number = 0
            while time.monotonic() - self._asked <= IDLE_SECONDS:
                if not is_there():
                    raise FeederError("Nobody sends the stream", hint="It is tried again and again")
                answer = feeder.ask("newest", after=number, seconds=WAIT_SECONDS)
                came, what, hint = answer.facts
                if came < number:  # another process, which counts anew
                    number = 0
                    continue
                number = came
                if answer.array is not None:
                    if answer.array.shape != self._array.shape or answer.array.dtype != self._array.dtype:
                        raise FeederError(f"{self._kind} gave something else than was asked for")
                    array = answer.array.copy()  # the memory that it came in is used again
                    array.flags.writeable = False
                    self._array = array
                self.problem = PatchError(what, hint=hint) if what else None
        finally:
            feeder.close()


def nothing(width: int, height: int, *, transparent: bool = False) -> np.ndarray:
    """A picture uint8 [height, width, 4] before any has come: black, or transparent."""
    picture = np.zeros((height, width, 4), np.uint8)
    if not transparent:
        picture[..., 3] = 255
    return picture
