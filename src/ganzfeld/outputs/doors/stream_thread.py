"""A live stream on a thread of its own: FFmpeg waits without end for a far end that takes nothing; a door must not."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.live_stream import LiveStream

CONNECT_SECONDS, STUCK_SECONDS = 10.0, 5.0
"""How long a connection may take; how long the far end may take nothing before it counts as lost."""
MOST_WAITING = 8
"""Pictures and pieces of sound that wait for the connection; further pictures are left out."""
CLOSE_SECONDS = 2.0


class StreamThread:
    """Connects at once, then writes what it is offered. All methods belong to one thread, the door's.

    began: perf_counter_ns when the connection stood; None: it does not yet. place: of the last picture that was taken.
    samples: of sound that were taken.
    """

    def __init__(self, connect: Callable[[], LiveStream], host: str) -> None:
        self.began: int | None = None
        self.place, self.samples = -1, 0
        self.size = (0, 0)
        self.has_sound = False
        self._host = host
        self._waiting: queue.Queue[tuple[Callable[..., None], Any, tuple[Any, ...]] | None] = queue.Queue(MOST_WAITING)
        self._busy_since: float | None = time.monotonic()
        self._error: OutputError | None = None
        self._live: LiveStream | None = None
        self._thread = threading.Thread(target=self._run, args=(connect,), name="ganzfeld-stream", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what went wrong, and OutputError when the far end takes nothing."""
        if self._error is not None:
            raise self._error
        since = self._busy_since
        most = STUCK_SECONDS if self.began is not None else CONNECT_SECONDS
        if since is not None and time.monotonic() - since > most:
            hint = "Does it still listen, and is the network there? It is tried again"
            raise OutputError(f"{self._host} has taken nothing for {most:.0f} s", hint=hint)

    def offer(self, pixels: np.ndarray, place: int) -> bool:
        """A picture, as `LiveStream.write` takes it; False: too much waits, and it is left out."""
        assert self._live is not None
        if not self._offer(self._live.write, pixels, place):
            return False
        self.place = place
        return True

    def offer_sound(self, samples: np.ndarray) -> bool:
        """What is heard next; False: too much waits, offer it again."""
        assert self._live is not None
        if not self._offer(self._live.write_sound, samples):
            return False
        self.samples += len(samples)
        return True

    def close(self) -> None:
        """Say goodbye, if that takes no longer than a moment. (The door's process ends then, whatever its threads
        do.)"""
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS / 2)
        except queue.Full:
            return
        self._thread.join(CLOSE_SECONDS)

    def _offer(self, write: Callable[..., None], data: Any, *rest: Any) -> bool:
        try:
            self._waiting.put_nowait((write, data, rest))
        except queue.Full:
            return False
        return True

    def _run(self, connect: Callable[[], LiveStream]) -> None:
        live: LiveStream | None = None
        try:
            live = self._live = connect()
            self.size, self.has_sound = live.size, live.has_sound
            self._busy_since, self.began = None, time.perf_counter_ns()
            while (item := self._waiting.get()) is not None:
                self._busy_since = time.monotonic()
                write, data, rest = item
                write(data, *rest)
                self._busy_since = None
        except OutputError as error:
            self._error = error
        except Exception as error:  # whose words might hold the key
            self._error = OutputError(f"the stream to {self._host} failed: {type(error).__name__}")
        finally:
            if live is not None:
                live.close()
