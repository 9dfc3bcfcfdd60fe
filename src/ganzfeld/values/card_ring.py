"""A ring of frame slots whose pixels lie in the memory of a graphics card, and whose words lie in shared memory.

The protocol is that of `values/frame_slots.py`, word by word, with two differences that the memory asks for:

- **A lease lasts as long as the reader's process lives.** Work on the card that reads a slot ends when it ends, and
  nothing can be said about how long that takes; so a slot that a living process holds is never written, and the ring
  has slots enough for the readers that were expected.
- **A reader has a row or sees nothing.** From its row to its end it may have the memory mapped, and memory that another
  process has mapped must not be freed. The writer frees a ring that it has left when every row is empty or its process
  is dead. A reader takes its row, looks whether the ring is retired, and only then maps the memory; the writer retires
  the ring and only then looks at the rows: one of the two sees the other.

A slot's sequence becomes even, and `newest` moves, when the copy on the card is complete: the host has waited for its
event. What a process starts on the card after it has read the word therefore sees the whole picture.

The ring of a public name is the block `gc-NAME-0-GENERATION`, which the board `gc-NAME` names (`values/frames.py`).

Layout (one page, little-endian, words of 8 bytes): as `values/frame_slots.py`, but for
    word 0 magic "GANZCARD"   1 version   5 channels, 4   6 bytes from slot to slot   7 bytes of the memory
    word 9 `ORDERS`   10 alpha   11 `ORIGINS`   14 the writer's process   15 a number of this ring's own, never 0
    row: token, lease, leased since, last seen, the reader's process
    word 400: the memory's handle (CUipcMemHandle, 64 bytes)   408: the card (CUuuid, 16 bytes)
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from ganzfeld.values.frame_slots import (
    ALPHAS,
    LARGEST_SIDE,
    MOST_SLOTS,
    READERS,
    PixelFormat,
    Ring,
    RingWriter,
    fence,
)
from ganzfeld.values.shared_memory import MemorySegment

PREFIX = "gc-"
"""Of the sessions of public names."""
ORDERS = ("RGBA", "BGRA")
ORIGINS = ("top", "bottom")
"""Which row comes first."""
HANDLE_BYTES, UUID_BYTES = 64, 16

_MAGIC = int.from_bytes(b"GANZCARD", "little")
_VERSION = 1
_PAGE = 4096
_PID, _OWN = 14, 15
_HANDLE = 400
_UUID = _HANDLE + HANDLE_BYTES // 8
_ROW_PID = 4


class CardRing(Ring):
    """The words of a ring on a card. Its `pixels` are nowhere in this process: a slot begins `stride` bytes after the
    one before it, in the memory that `handle` stands for."""

    def _read_head(self) -> None:
        words = self.words
        if len(words) < _PAGE // 8 or words[0] != _MAGIC or words[1] != _VERSION:
            raise FileNotFoundError(f"{self._segment.name} is not a ring on a card of version {_VERSION}")
        self.slots, self.width, self.height, channels, self.stride, self.size = words[2:8]
        order, alpha, origin = words[9:12]
        if not (
            0 < self.slots <= MOST_SLOTS
            and 0 < self.width <= LARGEST_SIDE
            and 0 < self.height <= LARGEST_SIDE
            and channels == 4
            and order < len(ORDERS)
            and alpha < len(ALPHAS)
            and origin < len(ORIGINS)
            and self.width * self.height * 4 <= self.stride
            and self.stride * self.slots <= self.size
        ):
            raise FileNotFoundError(f"{self._segment.name} holds pictures of a kind that is not known here")
        self.format = PixelFormat(alpha=ALPHAS[alpha])
        self.order, self.origin = ORDERS[order], ORIGINS[origin]
        self._pixels = []

    @classmethod
    def on_card(
        cls,
        name: str,
        width: int,
        height: int,
        *,
        slots: int,
        stride: int,
        size: int,
        handle: bytes,
        uuid: bytes,
        kind: tuple[str, str, str],
        last_number: int = 0,
    ) -> CardRing:
        """A new ring; its first picture gets number `last_number` + 1. size, stride: bytes of the memory, and from slot
        to slot. handle, uuid: what other processes open the memory with, and on which card. kind: order, alpha and
        origin of its pictures."""
        order, alpha, origin = kind
        segment = MemorySegment(name, _PAGE)
        words = segment.buffer[:_PAGE].cast("Q")
        head = (_VERSION, slots, width, height, 4, stride, size, last_number << 4)
        kinds = ORDERS.index(order), ALPHAS.index(alpha), ORIGINS.index(origin)
        own = random.SystemRandom().getrandbits(63) | 1
        for word, value in enumerate((*head, *kinds, 0, READERS, os.getpid(), own), start=1):
            words[word] = value
        for first, said in ((_HANDLE, handle), (_UUID, uuid)):
            for word in range(len(said) // 8):
                words[first + word] = int.from_bytes(said[8 * word : 8 * word + 8], "little")
        fence()
        words[0] = _MAGIC
        words.release()
        return cls(segment)

    @property
    def writer(self) -> int:
        """The number of the process that owns the memory."""
        return self.words[_PID]

    def readers(self) -> list[int]:
        """The process of every row that a reader has taken."""
        rows = (self.row_word(row) for row in range(READERS))
        return [self.words[row + _ROW_PID] for row in rows if self.words[row]]


Lives = Callable[[int], bool]
"""Whether there is a process of that number. (One that got a dead reader's number keeps what that held.)"""


class CardRingWriter(RingWriter):
    """The one writer of a ring on a card. lives: see `Lives`."""

    ring: CardRing

    def __init__(self, ring: CardRing, lives: Lives) -> None:
        super().__init__(ring)
        self._lives = lives

    def _counts(self, word: int) -> bool:
        # A young lease is not asked about: that is the usual case, and asking takes some microseconds.
        return super()._counts(word) or self._lives(self.ring.words[word + _ROW_PID])

    def is_free(self) -> bool:
        """Whether no living process may have the memory mapped. To be asked of a ring that is retired."""
        return not any(self._lives(pid) for pid in self.ring.readers())
