"""A ring of frame slots in shared memory: one writer that never waits, many readers that never see a torn frame.

The protocol
------------
A ring holds a few pictures of one size and format. Frames are numbered 1, 2, 3, … as they are published. Every slot
has a *sequence*: 2n while it holds frame n, odd while somebody writes into it. One word, `newest`, names the newest
frame and its slot. Every reader has a row of its own with a *lease*: the frame it is looking at, and since when.

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

Layout, for readers in other languages (`outputs/shared/ganzfeld_ring.h`; little-endian, words of 8 bytes)
-------------------------------------------------------------------------------------------------------
    word 0 magic "GANZRING"   1 version   2 slots   3 width   4 height   5 channels   6 bytes from slot to slot
    word 7 first slot's pixels, bytes from the start   8 newest: frame number · 16 + slot   9 `DTYPES`
    word 10 alpha (`ALPHAS`)   11 colour (`COLOURS`)   12 retired: 1 once the writer has gone on to another ring
    word 13 rows for readers
    word 16 + 8·slot: sequence, frame of the show, show time (float64), wall time (float64, seconds since 1970), stamp:
            nanoseconds of `time.perf_counter` when it was published (CLOCK_MONOTONIC on Linux), which never jumps
    word 16 + 8·slots + 8·row: token (0: free), lease (as `newest`; 0: none), leased since, last seen (float64 seconds)

A picture's numbers lie row by row from the top, pixel by pixel, channel by channel, without gaps.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from ganzfeld.values.shared_memory import MemorySegment

SLOTS = 4
"""Newest + one being written + two that slow readers may hold. For more readers a ring has two slots more than them."""
MOST_SLOTS = 8
MOST_CHANNELS = 4
READERS = 32
"""Rows for readers. A reader beyond that still reads, without a lease."""
LEASE_SECONDS = 1.0
"""A lease older than this no longer keeps the writer away."""
ROW_SECONDS = 10.0
"""A row not used for this long may be taken by another reader."""
LARGEST_SIDE = 16384
"""Most pixels of width or height."""

_MAGIC = int.from_bytes(b"GANZRING", "little")
_VERSION = 2
_NEWEST, _RETIRED = 8, 12
_SLOT_WORDS = 16
_PAGE = 4096

_fence_lock = threading.Lock()


def fence() -> None:
    """A full memory barrier (see the head of this file)."""
    for _ in range(2):
        _fence_lock.acquire()
        _fence_lock.release()


DTYPES = ("uint8", "float16", "float32", "uint16")
ALPHAS = ("straight", "premultiplied", "opaque")
COLOURS = ("sRGB", "linear", "data")
"""sRGB-encoded; linear light of the same primaries; numbers that are no colours (latents)."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What a ring's pictures are made of. Integers fill their range, floats go from 0 to 1 (data: anything)."""

    dtype: Literal["uint8", "float16", "float32", "uint16"] = "uint8"
    channels: int = 4
    alpha: Literal["straight", "premultiplied", "opaque"] = "straight"
    colour: Literal["sRGB", "linear", "data"] = "sRGB"

    def bytes_of(self, width: int, height: int) -> int:
        """Of one picture."""
        return width * height * self.channels * np.dtype(self.dtype).itemsize


RGBA8 = PixelFormat()
"""What a show's own rings hold."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedFrame:
    """One picture of one output.

    pixels: [H, W, channels] of the ring's format (a show's: uint8 RGBA), the caller's own copy unless stated otherwise.
    number: counts this output's published frames from 1, across restarts of the render. frame, t: the moment's (see
    `values.time.Moment`). wall: seconds since 1970 when it was published. stamp: nanoseconds of perf_counter then.
    """

    pixels: np.ndarray
    number: int
    frame: int
    t: float
    wall: float
    stamp: int
    format: PixelFormat = RGBA8


class Ring:
    """The slots of one output at one size. `Ring.create` for the writer, `Ring.attach` for everybody else."""

    def __init__(self, segment: MemorySegment) -> None:
        self._segment = segment
        page = segment.buffer[: min(_PAGE, len(segment.buffer) // 8 * 8)]
        self.words, self.floats = page.cast("Q"), page.cast("d")
        try:
            self._read_head()
        except BaseException:
            self.close()
            raise

    def _read_head(self) -> None:
        """What the first page says: somebody else may have written it."""
        segment, words = self._segment, self.words
        if len(words) < _PAGE // 8 or words[0] != _MAGIC or words[1] != _VERSION:
            raise FileNotFoundError(f"{segment.name} is not a ring of frames of version {_VERSION}")
        self.slots, self.width, self.height, channels, stride, start = words[2:8]
        dtype, alpha, colour = words[9:12]
        if not (
            0 < self.slots <= MOST_SLOTS
            and 0 < self.width <= LARGEST_SIDE
            and 0 < self.height <= LARGEST_SIDE
            and 0 < channels <= MOST_CHANNELS
            and dtype < len(DTYPES)
            and alpha < len(ALPHAS)
            and colour < len(COLOURS)
        ):
            raise FileNotFoundError(f"{segment.name} holds pictures of a kind that is not known here")
        self.format = PixelFormat(DTYPES[dtype], channels, ALPHAS[alpha], COLOURS[colour])
        size = self.format.bytes_of(self.width, self.height)
        if start < _PAGE or start + stride * self.slots > len(segment.buffer) or stride < size:
            raise FileNotFoundError(f"{segment.name} is smaller than it says")
        shape = (self.height, self.width, channels)
        count = self.height * self.width * channels
        self._pixels = [
            np.frombuffer(segment.buffer, self.format.dtype, count, start + stride * slot).reshape(shape)
            for slot in range(self.slots)
        ]

    @classmethod
    def create(
        cls,
        name: str,
        width: int,
        height: int,
        *,
        form: PixelFormat = RGBA8,
        slots: int | None = None,
        last_number: int = 0,
    ) -> Ring:
        """A new ring for pictures of `width` × `height`; its first frame gets number `last_number` + 1. slots: of
        them at a time, `SLOTS` if None."""
        if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
            raise ValueError(
                f"a frame of {width} × {height} pixels cannot be shared; sides go from 1 to {LARGEST_SIDE}"
            )
        slots = SLOTS if slots is None else min(max(slots, 1), MOST_SLOTS)
        stride = -(-form.bytes_of(width, height) // _PAGE) * _PAGE
        segment = MemorySegment(name, _PAGE + slots * stride)
        words = segment.buffer[:_PAGE].cast("Q")
        head = (_VERSION, slots, width, height, form.channels, stride, _PAGE, last_number << 4)
        kinds = DTYPES.index(form.dtype), ALPHAS.index(form.alpha), COLOURS.index(form.colour)
        for word, value in enumerate((*head, *kinds, 0, READERS), start=1):
            words[word] = value
        fence()
        words[0] = _MAGIC
        words.release()
        return cls(segment)

    @classmethod
    def attach(cls, name: str) -> Self:
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

    def begin_after(self, number: int) -> None:
        """The first frame of a ring that nobody reads yet gets the number after this one."""
        self.words[_NEWEST] = number << 4

    @property
    def is_retired(self) -> bool:
        """Whether the writer has gone on to another ring."""
        return self.words[_RETIRED] != 0

    def retire(self) -> None:
        """Tell readers that have no other way to know."""
        self.words[_RETIRED] = 1

    def pixels(self, slot: int) -> np.ndarray:
        """Slot's [H, W, channels], in shared memory."""
        return self._pixels[slot]

    def close(self) -> None:
        """Let go of the memory in this process."""
        self._pixels: list[np.ndarray] = []
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
        ring.words[word + 4] = time.perf_counter_ns()
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
        words, first = ring.words, ring.row_word(0)
        for word in range(first, first + 8 * READERS, 8):
            if words[word + 1] == lease and words[word] and self._counts(word):
                return True
        return False

    def _counts(self, word: int) -> bool:
        """Whether the lease in the row that begins at this word still keeps us away."""
        return self.ring.floats[word + 2] >= self._now() - LEASE_SECONDS


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
            if slot >= ring.slots:
                break  # a writer that makes mistakes
            word = ring.sequence_word(slot)
            self._lease(newest)
            if number and ring.words[word] == 2 * number:
                self._held = newest
                (t, wall), stamp = ring.floats[word + 2 : word + 4], ring.words[word + 4]
                return SharedFrame(ring.pixels(slot), number, ring.words[word + 1], t, wall, stamp, ring.format)
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
                return replace(frame, pixels=copy)
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
