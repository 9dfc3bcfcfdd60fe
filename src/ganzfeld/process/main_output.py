"""The main output's frames, as viewers in the supervisor's process see them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from ganzfeld.values.frames import FrameReader


@dataclass(frozen=True, slots=True, eq=False)
class ShownFrame:
    """One finished picture, which no later one is written over.

    image: uint8 [height, width, 4], sRGB-encoded RGBA with straight alpha, rows from the top, contiguous. All who look
    share it, so it must not be written to. number: counts the pictures shown, from 0; it only grows: over a pause, a
    seek and a restart of the render process. t: the show's time of this picture, in seconds.
    """

    image: np.ndarray
    number: int
    t: float


class MainOutput:
    """Shows one output at a time. Its numbers only grow, also when another output becomes the main one."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._readers: dict[str, FrameReader] = {}
        self._reader: FrameReader | None = None
        self._offset = 0
        self._last = -1
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the newest picture; zeros before the first."""
        return self._reader.size if self._reader else (0, 0)

    def show(self, output: str) -> None:
        """Look at this output from now on."""
        with self._lock:
            if self._reader is not None and self._reader.output == output:
                return
            if output not in self._readers:
                self._readers[output] = FrameReader(self._session, output)
            reader = self._readers[output]
            newest = reader.latest()
            self._offset = self._last + 1 - (newest.number if newest else 1)
            self._reader = reader

    def latest(self, newer_than: int) -> ShownFrame | None:
        """The newest picture, or None if its number is not above `newer_than`."""
        with self._lock:
            frame = self._reader.latest() if self._reader else None
            if frame is None or frame.number + self._offset <= newer_than:
                return None
            number = frame.number + self._offset
            self._last = max(self._last, number)
            return ShownFrame(frame.pixels, number, frame.t)

    def wait(self, newer_than: int, timeout: float) -> ShownFrame | None:
        """As `latest`, but waits up to `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self.latest(newer_than)
            left = deadline - time.monotonic()
            if frame is not None or left <= 0:
                return frame
            reader, offset = self._reader, self._offset
            if reader is None or self._closed:
                time.sleep(min(left, 0.02))
            else:
                # In short turns: another output may become the main one.
                reader.wait(newer_than - offset, min(left, 0.1))

    def close(self) -> None:
        """Let go of the shared memory; the last picture stays."""
        self._closed = True
        for reader in self._readers.values():
            reader.close()
