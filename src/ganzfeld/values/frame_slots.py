"""A ring of frame slots in shared memory: one writer that never waits, many readers that never see a torn frame.

The protocol
------------
A ring holds `SLOTS` pictures of one size. Frames are numbered 1, 2, 3, … as they are published. Every slot has a
*sequence*: 2n while it holds frame n, odd while somebody writes into it. One word, `newest`, names the newest frame
and its slot. Every reader has a row of its own with a *lease*: the frame it is looking at, and since when.

    writer                                            reader
    1. choose the oldest slot that is neither the     1. read `newest`; none yet: nothing to see
       newest nor leased; none free: drop the frame   2. write the lease; fence
    2. make its sequence odd; fence                   3. is the slot's sequence still 2n? else start again
    3. leased after all? put the sequence back,       4. look at the pixels, or copy them
       choose again                                   5. fence; is the sequence still 2n? else throw it away
    4. write pixels and times; fence                  6. clear the lease
    5. sequence = 2n; fence; `newest` = (n, slot)

Writer step 2–3 and reader step 2–3 are Dekker's handshake: at least one of the two sees the other. So a slot is
reused only when its readers are done. Safety does not rest on leases: reader step 5 finds every slot that was written
meanwhile. That is what lets a lease *expire* (`LEASE_SECONDS`), so that a reader that died or hangs costs the others
nothing, and lets a row be claimed without an atomic exchange: should two readers ever take the same row, each finds
out by its token and the worst that happens is a read that starts again. A writer that is killed leaves an odd
sequence behind; `newest` still names a whole frame, and the next writer goes on from there.

What is assumed of the memory
-----------------------------
- An aligned 8-byte store through a `memoryview` of format Q or d is one store (a memcpy of constant size 8).
- `fence` orders everything before it against everything after it. Taking and releasing a lock twice does that on
  x86-64 (locked instructions) and on ARM64 (the release of the first pair orders what came before, the acquire of the
  second what comes after, and both touch one address).
- `time.monotonic` is one clock for all processes of a machine (true on Linux, macOS and Windows).

Layout, for readers in other languages (little-endian, words of 8 bytes)
------------------------------------------------------------------------
    word 0 magic "GANZRING"   1 version   2 slots   3 width   4 height   5 bytes a pixel (4: R, G, B, A)
    word 6 bytes from slot to slot   7 first slot's pixels, bytes from the start   8 newest: frame number · 16 + slot
    word 16 + 8·slot: sequence, frame of the show, show time (float64), wall time (float64, seconds since 1970)
    word 16 + 8·slots + 8·row: token (0: free), lease (as `newest`; 0: none), leased since, last seen (float64 seconds)
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganzfeld.values.shared_memory import MemorySegment

SLOTS = 4
"""Newest + one being written + two that slow readers may hold."""
READERS = 32
"""Rows for readers. A reader beyond that still reads, without a lease."""
LEASE_SECONDS = 1.0
"""A lease older than this no longer keeps the writer away."""
ROW_SECONDS = 10.0
"""A row not used for this long may be taken by another reader."""
LARGEST_SIDE = 16384
"""Most pixels of width or height."""

_MAGIC = int.from_bytes(b"GANZRING", "little")
_VERSION = 1
_CHANNELS = 4
_NEWEST = 8
_SLOT_WORDS = 16
_PAGE = 4096

_fence_lock = threading.Lock()


def fence() -> None:
    """A full memory barrier (see the head of this file)."""
    for _ in range(2):
        _fence_lock.acquire()
        _fence_lock.release()


@dataclass(frozen=True, slots=True, eq=False)
class SharedFrame:
    """One picture of one output.

    pixels: uint8 [H, W, 4] RGBA, the caller's own copy unless stated otherwise. number: counts this output's published
    frames from 1, across restarts of the render. frame, t: the moment's (see `values.time.Moment`).
    wall: seconds since 1970 when it was published.
    """

    pixels: np.ndarray
    number: int
    frame: int
    t: float
    wall: float


class Ring:
    """The slots of one output at one size. `Ring.create` for the writer, `Ring.attach` for everybody else."""

    def __init__(self, segment: MemorySegment) -> None:
        self._segment = segment
        self.words = segment.buffer[:_PAGE].cast("Q")
        self.floats = segment.buffer[:_PAGE].cast("d")
        try:
            if self.words[0] != _MAGIC or self.words[1] != _VERSION:
                raise FileNotFoundError(f"{segment.name} is not a ring of frames of version {_VERSION}")
            self.slots, self.width, self.height = self.words[2], self.words[3], self.words[4]
            stride, start = self.words[6], self.words[7]
            size = self.width * self.height * _CHANNELS
            if start + stride * self.slots > len(segment.buffer) or stride < size:
                raise FileNotFoundError(f"{segment.name} is smaller than it says")
            self._pixels = [
                np.frombuffer(segment.buffer, np.uint8, size, start + stride * slot)
                .reshape(self.height, self.width, _CHANNELS)
                for slot in range(self.slots)
            ]  # fmt: skip
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, name: str, width: int, height: int, *, last_number: int = 0) -> Ring:
        """A new ring for pictures of `width` × `height`; its first frame gets number `last_number` + 1."""
        if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
            raise ValueError(
                f"a frame of {width} × {height} pixels cannot be shared; sides go from 1 to {LARGEST_SIDE}"
            )
        stride = -(-width * height * _CHANNELS // _PAGE) * _PAGE
        segment = MemorySegment(name, _PAGE + SLOTS * stride)
        words = segment.buffer[:_PAGE].cast("Q")
        for word, value in enumerate((_VERSION, SLOTS, width, height, _CHANNELS, stride, _PAGE), start=1):
            words[word] = value
        words[_NEWEST] = last_number << 4
        fence()
        words[0] = _MAGIC
        words.release()
        return cls(segment)

    @classmethod
    def attach(cls, name: str) -> Ring:
        """The ring of that name. FileNotFoundError if there is none (any more, or not ready yet)."""
        return cls(MemorySegment(name))

    @property
    def name(self) -> str:
        """The segment's name."""
        return self._segment.name

    @property
    def newest(self) -> int:
        """The newest frame's number; that of the frame before this ring's first while it is empty."""
        return self.words[_NEWEST] >> 4

    def pixels(self, slot: int) -> np.ndarray:
        """Slot's uint8 [H, W, 4], in shared memory."""
        return self._pixels[slot]

    def memory(self) -> np.ndarray:
        """The whole segment as uint8 bytes, for page-locking."""
        return np.frombuffer(self._segment.buffer, np.uint8)

    def close(self) -> None:
        """Let go of the memory in this process."""
        self._pixels = []
        self.words.release()
        self.floats.release()
        self._segment.close()

    def sequence_word(self, slot: int) -> int:
        """Where the slot's words begin."""
        return _SLOT_WORDS + 8 * slot

    def row_word(self, row: int) -> int:
        """Where the reader's row begins."""
        return _SLOT_WORDS + 8 * self.slots + 8 * row


class RingWriter:
    """The one writer of a ring. Steps as in the head of the file: `begin`, fill `ring.pixels(slot)`, `commit`."""

    def __init__(self, ring: Ring, *, now: Callable[[], float] = time.monotonic) -> None:
        self.ring = ring
        self._now = now
        self.dropped = 0

    def begin(self) -> int | None:
        """A slot to write into, or None if readers hold them all: then this frame is dropped and counted."""
        ring = self.ring
        newest = ring.words[_NEWEST]
        number, newest_slot = newest >> 4, newest & 15
        free = [slot for slot in range(ring.slots) if slot != newest_slot or ring.words[ring.sequence_word(slot)] == 0]
        # Oldest first: gives slow readers without a lease the longest time.
        for slot in sorted(free, key=lambda slot: ring.words[ring.sequence_word(slot)]):
            if self._leased(slot):
                continue
            word = ring.sequence_word(slot)
            before = ring.words[word]
            ring.words[word] = 2 * number + 1
            fence()
            if not self._leased(slot, before):
                return slot
            ring.words[word] = before
        self.dropped += 1
        return None

    def commit(self, slot: int, *, frame: int, t: float, wall: float) -> int:
        """Publish what was written into the slot; its number."""
        ring = self.ring
        number = ring.newest + 1
        word = ring.sequence_word(slot)
        ring.words[word + 1] = frame
        ring.floats[word + 2] = t
        ring.floats[word + 3] = wall
        fence()
        ring.words[word] = 2 * number
        fence()
        ring.words[_NEWEST] = number << 4 | slot
        return number

    def _leased(self, slot: int, sequence: int | None = None) -> bool:
        """Whether a reader holds what the slot holds (or held, under `sequence`)."""
        ring = self.ring
        if sequence is None:
            sequence = ring.words[ring.sequence_word(slot)]
        if sequence == 0 or sequence % 2:
            return False
        lease = (sequence >> 1) << 4 | slot
        oldest = self._now() - LEASE_SECONDS
        words, floats = ring.words, ring.floats
        first = ring.row_word(0)
        for word in range(first, first + 8 * READERS, 8):
            if words[word + 1] == lease and words[word] and floats[word + 2] >= oldest:
                return True
        return False


class RingReader:
    """One reader of a ring: `take`, look at `pixels`, `done`. For one thread at a time."""

    def __init__(self, ring: Ring, *, now: Callable[[], float] = time.monotonic) -> None:
        self.ring = ring
        self._now = now
        self._token = random.SystemRandom().getrandbits(63) | 1
        self._row: int | None = None
        self._held = 0

    def take(self) -> SharedFrame | None:
        """The newest frame, leased, its pixels in shared memory; None if there is none. Give it back with `done`."""
        ring = self.ring
        self._keep_row()
        for _ in range(100):
            newest = ring.words[_NEWEST]
            slot, number = newest & 15, newest >> 4
            word = ring.sequence_word(slot)
            self._lease(newest)
            if number and ring.words[word] == 2 * number:
                self._held = newest
                return SharedFrame(
                    ring.pixels(slot), number, ring.words[word + 1], ring.floats[word + 2], ring.floats[word + 3]
                )
            if newest == ring.words[_NEWEST]:
                break  # nothing published in this ring yet
        self._lease(0)
        return None

    def done(self) -> bool:
        """Give the frame back. False: it was overwritten while it was looked at (the lease had expired)."""
        held, self._held = self._held, 0
        if not held:
            return False
        fence()
        whole = self.ring.words[self.ring.sequence_word(held & 15)] == 2 * (held >> 4)
        self._lease(0)
        return whole

    def read(self) -> SharedFrame | None:
        """A copy of the newest frame; None if there is none."""
        for _ in range(100):
            frame = self.take()
            if frame is None:
                return None
            copy = frame.pixels.copy()
            if self.done():
                return SharedFrame(copy, frame.number, frame.frame, frame.t, frame.wall)
        return None  # pragma: no cover: a writer a hundred times faster than a copy

    def close(self) -> None:
        """Give the row back."""
        if self._owns_row():
            word = self._word()
            self.ring.words[word + 1] = 0
            self.ring.words[word] = 0
        self._row = None

    def _word(self) -> int:
        return self.ring.row_word(self._row or 0)

    def _owns_row(self) -> bool:
        return self._row is not None and self.ring.words[self._word()] == self._token

    def _lease(self, newest: int) -> None:
        if not self._owns_row():
            return
        word = self._word()
        self.ring.floats[word + 2] = self._now()
        self.ring.words[word + 1] = newest
        fence()

    def _keep_row(self) -> None:
        """Claim a row of our own, or go without one while all are taken."""
        words, floats, now = self.ring.words, self.ring.floats, self._now()
        if not self._owns_row():
            self._row = None
            for row in range(READERS):
                word = self.ring.row_word(row)
                if words[word] == 0 or floats[word + 3] < now - ROW_SECONDS:
                    words[word + 1] = 0
                    floats[word + 3] = now
                    words[word] = self._token
                    fence()
                    self._row = row
                    break
        if self._row is not None:
            floats[self._word() + 3] = now
