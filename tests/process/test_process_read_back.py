"""Frames leave when they are done, in order, and never before."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from ganzfeld.errors import OutputError
from ganzfeld.process.read_back import PageLocks, ReadBack
from ganzfeld.values.frames import FrameReader, FrameStore, FrameWriter
from ganzfeld.values.time import Clock


class SlowCopy:
    """Writes a picture only when it is waited for, as a device may."""

    def __init__(self) -> None:
        self.waited = 0

    def __call__(self, picture: np.ndarray, pixels: np.ndarray):
        def wait() -> None:
            self.waited += 1
            pixels[:] = picture

        return wait


def at_once(picture: np.ndarray, pixels: np.ndarray) -> None:
    pixels[:] = picture


@pytest.fixture
def store():
    store = FrameStore()
    yield store
    store.close()


def picture(grey: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.full((height, width, 4), grey, np.uint8)


def test_a_copy_that_is_done_is_published_at_once(store: FrameStore) -> None:
    writer, clock = FrameWriter(store.session), Clock()
    ReadBack(writer, at_once).begin({"out": picture(7)}, clock.advance(0))
    reader = FrameReader(store.session, "out")
    frame = reader.latest()
    assert frame is not None and (frame.pixels == 7).all()
    reader.close(), writer.close()


def test_a_copy_under_way_is_published_when_it_is_done(store: FrameStore) -> None:
    writer, clock, copy = FrameWriter(store.session), Clock(), SlowCopy()
    handover = ReadBack(writer, copy)
    reader = FrameReader(store.session, "out")
    handover.begin({"out": picture(1)}, clock.advance(0))
    assert reader.latest() is None
    handover.finish()
    assert (reader.latest().pixels == 1).all()
    handover.finish()
    assert copy.waited == 1
    # Without time to finish, the next frame finishes the one before.
    handover.begin({"out": picture(2)}, clock.advance(1 / 60))
    handover.begin({"out": picture(3)}, clock.advance(1 / 60))
    frame = reader.latest()
    assert (frame.pixels == 2).all()
    assert (frame.number, frame.frame) == (2, 1)
    handover.begin({"out": picture(4, 8, 8), "other": picture(5)}, clock.advance(1 / 60))
    handover.finish()
    assert reader.latest().pixels.shape == (8, 8, 4)
    other = FrameReader(store.session, "other")
    assert (other.latest().pixels == 5).all()
    reader.close(), other.close(), writer.close()


def test_what_fails_is_not_published(store: FrameStore) -> None:
    writer, clock = FrameWriter(store.session), Clock()

    def fails(picture: np.ndarray, pixels: np.ndarray):
        def wait() -> None:
            raise RuntimeError("the device is lost")

        return wait

    handover = ReadBack(writer, fails)
    handover.begin({"out": picture(1)}, clock.advance(0))
    with pytest.raises(RuntimeError, match="lost"):
        handover.finish()
    handover.finish()
    reader = FrameReader(store.session, "out")
    assert reader.latest() is None
    good = ReadBack(writer, at_once)
    good.begin({"out": picture(9)}, clock.advance(0))
    assert (reader.latest().pixels == 9).all()
    good.begin({"new": picture(9, 4, 20_000), "out": picture(7)}, clock.advance(0))
    assert isinstance(good.problem, OutputError) and "20000" in good.problem.what
    assert (reader.latest().pixels == 7).all(), "one output costs the others nothing"
    reader.close(), writer.close()


def test_slots_are_locked_one_by_one_beside_the_frames(store: FrameStore) -> None:
    """The first frame does not wait for it; a ring is closed when all of it is unlocked."""
    go, done, calls = threading.Event(), threading.Event(), []

    def lock(memory: np.ndarray) -> None:
        go.wait(10)
        calls.append(("lock", memory.ctypes.data % 4096, memory.shape))

    def unlock(memory: np.ndarray) -> None:
        calls.append(("unlock", memory.ctypes.data % 4096, memory.shape))
        if sum(name == "unlock" for name, *_ in calls) == 4:
            done.set()

    locks = PageLocks(lock, unlock)
    writer, clock = FrameWriter(store.session, opened=locks.opened, closing=locks.closing), Clock()
    handover, reader = ReadBack(writer, at_once), FrameReader(store.session, "out")
    for height in (4, 5):
        handover.begin({"out": picture(height, height)}, clock.advance(0))
        assert (reader.latest().pixels == height).all()
    go.set()
    assert done.wait(10)
    small = 0, (4, 6, 4)  # each begins at a page
    assert calls[:8] == [("lock", *small)] * 4 + [("unlock", *small)] * 4
    writer.close(), reader.close()
