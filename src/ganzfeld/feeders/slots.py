"""Shared memory that answers come in: a few slots of one size, each free again when nobody holds its array."""

from __future__ import annotations

import os
import weakref
from collections import deque

import numpy as np

from ganzfeld.values.shared_memory import MemorySegment, unlink

_PAGE = 4096


class Slots:
    """`count` places of `size` bytes each, in one block that the child fills and the parent reads.

    Raises OSError where there is no shared memory left.
    """

    def __init__(self, count: int, size: int) -> None:
        self.room = size
        self._step = -(-size // _PAGE) * _PAGE
        self.name = f"gf-{os.getpid():x}-{os.urandom(4).hex()}"
        self._memory = MemorySegment(self.name, count * self._step)
        self._free = deque(range(count))  # no lock: it is given back wherever Python collects garbage

    def take(self) -> int | None:
        """A free slot's number; None if arrays are held in all of them."""
        try:
            return self._free.popleft()
        except IndexError:
            return None

    def give_back(self, slot: int) -> None:
        """The slot may be filled again."""
        self._free.append(slot)

    def offset(self, slot: int) -> int:
        """Where a slot begins, in bytes."""
        return slot * self._step

    def array(self, slot: int, kind: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        """What lies in a slot, not copied. The slot is given back when the array and all views of it are dropped."""
        count = kind.itemsize * int(np.prod(shape, dtype=np.int64))
        begin = self.offset(slot)
        array = np.frombuffer(self._memory.buffer[begin : begin + count], kind).reshape(shape)
        # A view's base is the first array over the buffer: that one is watched.
        base = array.base if isinstance(array.base, np.ndarray) else array
        weakref.finalize(base, self.give_back, slot).atexit = False
        return array

    def hide(self) -> None:
        """Remove the block's name; its memory goes with the last process and the last array that use it."""
        unlink(self.name)

    def close(self) -> None:
        """Let go of the block; arrays that are held stay."""
        self._memory.close()
