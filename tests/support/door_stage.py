"""A show without a render, and doors on it: real processes, real shared memory."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from far_ends.null import Null
from ganzfeld.outputs.doors.registry import door_kinds
from ganzfeld.process.routing import Routing
from ganzfeld.values.frames import FrameStore, FrameWriter

KINDS = {**{name: kind for name, kind in door_kinds().items() if not kind.by_render}, "null": Null}
"""Kinds whose pictures the door's process shows. (A stage has no render that would show others.)"""


class Stage:
    """A show's shared memory and doors, without an engine: the test is the render."""

    def __init__(self, kinds=KINDS) -> None:
        self.store = FrameStore()
        self.doors = Routing(self.store, kinds)
        self.master = self.doors.master
        self.writer = FrameWriter(self.store.session)
        self.outputs = ("out", "wall")
        self.doors.outputs(self.outputs)
        self.frame = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            self.doors.look()

    def publish(self, colour, size=(64, 48), output: str = "out") -> int | None:
        """A picture of one colour, RGBA."""
        self.frame += 1

        def fill(pixels: np.ndarray) -> None:
            pixels[:] = colour

        return self.writer.publish(output, *size, fill, frame=self.frame, t=self.frame / 60)

    def restart_render(self) -> None:
        """Another process would go on where this one ended."""
        self.writer.close()
        self.writer = FrameWriter(self.store.session)

    def status(self, name: str):
        return next(status for status in self.doors.statuses() if status.name == name)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.doors.close()
        self.writer.close()
        self.store.close()


def shared_blocks(session: str) -> list[str]:
    """What is left of a session in shared memory (Linux)."""
    folder = Path("/dev/shm")
    return sorted(path.name for path in folder.glob(f"{session}*")) if folder.exists() else []
