"""From the device into the frame slots: copies that run beside the next frame.

A picture on a GPU is copied by the GPU itself into the page-locked slot, on a stream of its own. The render does not
wait for it: a frame is published when its copy is done, which `finish` waits for where there is time, and `begin`
otherwise, after the next frame has been asked of the device. So the device always has work, one frame at most is under
way, and a render that asks faster than the device can is held back here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from ganzfeld.engine.device_copy import Copy
from ganzfeld.engine.work_thread import WorkThread
from ganzfeld.errors import OutputError
from ganzfeld.values.frame_slots import Ring
from ganzfeld.values.frames import FrameWriter, OpenSlot
from ganzfeld.values.time import Moment

if TYPE_CHECKING:
    import numpy as np
    import torch

log = logging.getLogger(__name__)


class ReadBack:
    """Hands pictures out to the readers of a session."""

    def __init__(self, writer: FrameWriter, copy: Copy) -> None:
        self._writer, self._copy = writer, copy
        self._under_way: list[tuple[OpenSlot, Callable[[], None] | None, Any, Moment]] = []
        self.problem: OutputError | None = None
        """What of the last frame could not be handed out as it is, and why."""

    def begin(self, pictures: Mapping[str, Any], moment: Moment) -> None:
        """Begin to hand out a frame's pictures, by the names of their outputs; finishes the frame before first. What
        cannot be shared is said in `problem`, and costs the other outputs nothing. Raises what the device raises."""
        self.finish()
        self._writer.announce(frozenset(pictures))
        problem: OutputError | None = None
        for name, picture in pictures.items():
            height, width = picture.shape[:2]
            try:
                place = self._writer.begin(name, width, height)
            except OutputError as error:
                problem = problem or error
                continue
            if place is not None:
                self._under_way.append((place, self._copy(picture, place.pixels), picture, moment))
        self.problem = problem or self._writer.problem
        if not any(until_done for _, until_done, _, _ in self._under_way):
            self.finish()

    def finish(self) -> None:
        """Wait for what is under way, and publish it."""
        under_way, self._under_way = self._under_way, []
        for place, until_done, _, moment in under_way:
            if until_done is not None:
                until_done()
            place.commit(frame=moment.frame, t=moment.t)


LONGEST_LOCK = 5.0
"""Seconds that locking a ring is waited for."""


class PageLocks:
    """Page-locks the slots of rings, one by one, on a thread of its own: for one of 1024² that takes 3 ms, in which the
    show would stand still. Until then the driver copies through a buffer of its own.

    lock, unlock: do it for a slot's memory (numbers of any type).
    """

    def __init__(self, lock: Callable[[np.ndarray], None], unlock: Callable[[np.ndarray], None]) -> None:
        self._lock, self._unlock = lock, unlock
        self._thread = WorkThread("ganzfeld-page-locks")

    def opened(self, ring: Ring) -> Callable[[], object]:
        """A ring is about to be written to. What is returned waits until all of it is locked."""
        locked = [self._thread.submit(self._lock, ring.pixels(slot)) for slot in range(ring.slots)]
        return lambda: wait(locked, LONGEST_LOCK)

    def closing(self, ring: Ring) -> None:
        """It is written to no more: unlock it, and close it."""
        self._thread.submit(self._close, ring)

    def _close(self, ring: Ring) -> None:
        for slot in range(ring.slots):
            self._unlock(ring.pixels(slot))
        ring.close()


def page_locking_writer(session: str, device: torch.device) -> FrameWriter:
    """A writer whose slots a GPU writes into directly: page-locked, a frame arrives without passing through a buffer of
    the driver's, and without anybody waiting for it."""
    if device.type != "cuda":
        return FrameWriter(session)
    import torch

    runtime: Any = torch.cuda.cudart()

    def lock(memory: np.ndarray) -> None:
        with torch.cuda.device(device):
            said = int(runtime.cudaHostRegister(memory.ctypes.data, memory.nbytes, _PORTABLE))
        if said != 0:
            log.warning("a frame slot could not be page-locked (CUDA error %d): frames leave more slowly", said)

    def unlock(memory: np.ndarray) -> None:
        runtime.cudaHostUnregister(memory.ctypes.data)

    locks = PageLocks(lock, unlock)
    return FrameWriter(session, opened=locks.opened, closing=locks.closing)


_PORTABLE = 1
"""cudaHostRegisterPortable: for every device."""
