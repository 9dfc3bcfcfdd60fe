"""Pictures on a card under a public name: memory of our own, its ring, and who still holds what we have left.

The memory is one plain allocation (`cuMemAlloc`) for all slots of a ring: neither torch's, whose blocks hold other
things and may be given to another tensor, nor a graph's. It is a multiple of 2 MiB, because smaller ones share a block
of the driver's, all of which another process would see.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import psutil

from ganzfeld.errors import OutputError
from ganzfeld.values.card_ring import CardRing, CardRingWriter
from ganzfeld.values.frame_slots import MOST_SLOTS, SLOTS, fence
from ganzfeld.values.frames import ACTIVE, GENERATION, HEIGHT, NUMBER, WIDTH, Board, Commit, remove
from ganzfeld.values.shared_memory import unlink

OUTPUT = "picture"
"""The one output of a public session."""
SLOT_BYTES, MEMORY_BYTES = 512, 2 << 20
"""Slots and memories are multiples of these."""
SECONDS_TO_LEAVE = 0.25
"""That readers have to close what they hold, when the writer ends."""


class CardMemory(Protocol):
    """A card that pictures lie on. Raises OutputError where its memory cannot be shared."""

    uuid: bytes
    """16 bytes, the same in every process."""

    def allocate(self, size: int) -> tuple[int, bytes]:
        """Memory for other processes: its address, and the handle (64 bytes) that they open it with."""
        ...

    def free(self, address: int) -> None:
        """Give it back, when nobody has it open."""
        ...

    def copy(self, picture: Any, address: int, layout: Any) -> Callable[[], None]:
        """Begin to write a picture there. What it returns waits until that is done."""
        ...


@dataclass(frozen=True, slots=True)
class CardSlot:
    """Room for one picture. address: on the card. commit: publish it, with the show's `frame` and `t`."""

    address: int
    commit: Commit


@dataclass(slots=True, eq=False)
class _RingOnCard:
    """A ring, and the memory that it tells of."""

    writer: CardRingWriter
    address: int
    kind: tuple[int, int, tuple[str, str, str]]


class CardWriter:
    """Publishes pictures on a card under the public session `gc-NAME`; goes on where a killed writer stopped.

    readers: programs that look at a time. Raises OutputError if another process writes under this name.
    """

    def __init__(self, session: str, card: CardMemory, *, readers: int = 2) -> None:
        self._card = card
        self._board = taken_over(session)
        self._board.expect_readers(readers)
        self._row = self._board.add(OUTPUT)
        self._slots = min(max(SLOTS, readers + 2), MOST_SLOTS)
        self._now: _RingOnCard | None = None
        self._left: list[_RingOnCard] = []
        self._has_left = False

    @property
    def dropped(self) -> int:
        """Pictures that were not published because readers held every slot of the present ring."""
        return self._now.writer.dropped if self._now is not None else 0

    def begin(self, width: int, height: int, kind: tuple[str, str, str]) -> CardSlot | None:
        """Where to write the next picture; None if readers hold every slot. kind: order, alpha, origin. Raises
        OutputError."""
        wanted = (width, height, kind)
        if self._now is None or self._now.kind != wanted:
            self.tidy()
            self._now = self._open(wanted)
        memory = self._now
        slot = memory.writer.begin()
        if slot is None:
            return None
        address = memory.address + slot * memory.writer.ring.stride
        return CardSlot(address, partial(self._commit, memory.writer, slot))

    def tidy(self) -> None:
        """Free what was left and nobody has open any more. Raises OutputError."""
        for memory in tuple(self._left):
            if memory.writer.is_free():
                self._left.remove(memory)
                memory.writer.ring.close()
                self._card.free(memory.address)

    def leave(self) -> None:
        """Publish nothing more under the name, and take it away."""
        if self._now is not None:
            self._retire()
        if not self._has_left:
            self._has_left = True
            remove(self._board)
            self._board.close()

    @property
    def is_free(self) -> bool:
        """Whether no memory is left. Asked after `leave` and `tidy`."""
        return not self._left

    def close(self) -> None:
        """End. Readers that do not close what they hold in time lose it."""
        self.leave()
        deadline = time.perf_counter() + SECONDS_TO_LEAVE
        self.tidy()
        while self._left and time.perf_counter() < deadline:
            time.sleep(0.005)
            self.tidy()

    def _commit(self, writer: CardRingWriter, slot: int, *, frame: int, t: float) -> int:
        number = writer.commit(slot, frame=frame, t=t, wall=time.time())
        if not self._has_left:
            self._put(NUMBER, number)
            self._put(ACTIVE, 1)
        return number

    def _open(self, wanted: tuple[int, int, tuple[str, str, str]]) -> _RingOnCard:
        """A ring of the next generation."""
        width, height, kind = wanted
        number = self._get(NUMBER)
        if self._now is not None:
            self._retire()
        stride = -(-4 * width * height // SLOT_BYTES) * SLOT_BYTES
        size = -(-stride * self._slots // MEMORY_BYTES) * MEMORY_BYTES
        address, handle = self._card.allocate(size)
        generation = self._get(GENERATION)
        name = self._board.ring_name(self._row, generation + 1)
        try:
            unlink(name)  # made, but not announced, by a writer that was killed
            ring = CardRing.on_card(
                name,
                width,
                height,
                slots=self._slots,
                stride=stride,
                size=size,
                handle=handle,
                uuid=self._card.uuid,
                kind=kind,
                last_number=number,
            )
        except (OSError, ValueError) as error:
            self._card.free(address)
            raise OutputError(f"no shared memory for the words of a ring on the card: {error}") from error
        self._put(WIDTH, width)
        self._put(HEIGHT, height)
        fence()
        self._put(GENERATION, generation + 1)
        if generation:
            unlink(self._board.ring_name(self._row, generation))
        return _RingOnCard(CardRingWriter(ring, lives), address, wanted)

    def _retire(self) -> None:
        assert self._now is not None
        self._now.writer.ring.retire()
        fence()
        self._left.append(self._now)
        self._now = None

    def _get(self, field: int) -> int:
        return self._board.get(self._row, field)

    def _put(self, field: int, value: int) -> None:
        self._board.put(self._row, field, value)


def taken_over(session: str) -> Board:
    """A new board, or the one that a process left which is gone. Raises OutputError."""
    try:
        board = Board(session, create=True)
    except FileExistsError:
        board = Board(session)
        if board.writer != os.getpid() and lives(board.writer):
            board.close()
            what = f"another program already shares pictures on a card as '{session.partition('-')[2]}'"
            raise OutputError(what, hint="Give another name: cuda:NAME") from None
    board.take_over()
    return board


def lives(pid: int) -> bool:
    """Whether there is a process of this number that has not ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.Error:
        return True
