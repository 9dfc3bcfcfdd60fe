"""Frames of one colour each, for tests of the slot protocol."""

from __future__ import annotations

from ganzfeld.values.frame_slots import RingWriter

WIDTH, HEIGHT = 5, 3


def ink(number: int) -> int:
    """What all of frame `number` is painted with."""
    return number * 37 % 251


def publish(writer: RingWriter) -> int | None:
    """Write the next frame. Returns its number, or None if readers left no slot."""
    slot = writer.begin()
    if slot is None:
        return None
    number = writer.ring.newest + 1
    writer.ring.pixels(slot)[:] = ink(number)
    return writer.commit(slot, frame=number, t=number / 60, wall=0.0)
