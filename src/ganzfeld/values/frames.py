"""Frames in shared memory: one process renders, all others look (docs/architecture.md, "Two processes").

A *session* is one running show. Its *board*, a small block of shared memory named like the session, lists the outputs
and, for each, the *generation* of its ring of frame slots (`values/frame_slots.py`: the protocol that keeps frames
whole). The ring of output `row` is the block `<session>-<row>-<generation>`. A new size makes a new ring of the next
generation; readers see the number change, attach to the new ring and keep the last frame until it has one.

    FrameStore    the supervisor: makes the board, removes every block at the end, also those a killed writer left
    FrameWriter   the render: publishes, never waits. A second writer after a kill goes on in the same rings
    FrameReader   anybody, in any process: newest wins, what a reader cannot keep up with is dropped

Board layout (words of 8 bytes, little-endian): 0 magic "GANZFELD" (0 once the session ended), 1 version, 2 rows,
3 beats, 4 writer's process, 5 readers that an output is expected to have; row r at word 32 + 32·r: generation
(0: unused), newest frame's number, width, height, 1 while the patch has this output, bytes in its name, then the name
in UTF-8. Names are written before the generation and never change. After the last row, from word 544 on: the master
(`values/master.py`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from ganzfeld.errors import OutputError, reason_of
from ganzfeld.values.frame_slots import (
    MOST_SLOTS,
    RGBA8,
    SLOTS,
    PixelFormat,
    Ring,
    RingReader,
    RingWriter,
    SharedFrame,
    fence,
)
from ganzfeld.values.master import MASTER_WORDS, MasterWords
from ganzfeld.values.shared_memory import MemorySegment, unlink

__all__ = ["FrameReader", "FrameStore", "FrameWriter", "OpenSlot", "SharedFrame"]

MOST_OUTPUTS = 16
LONGEST_NAME = 200
"""Bytes of UTF-8 in an output's name."""
TRY_AGAIN_SECONDS = 0.5
"""How often memory for an output that lacks it is asked for."""

_MAGIC = int.from_bytes(b"GANZFELD", "little")
_VERSION = 2
_BEATS, _WRITER, _EXPECTED = 3, 4, 5
_HEAD, _ROW = 32, 32
_MASTER = _HEAD + _ROW * MOST_OUTPUTS
GENERATION, NUMBER, WIDTH, HEIGHT, ACTIVE, _NAME_BYTES, _NAME = range(7)
"""Words of an output's row, for `Board.get` and `put`."""


class Board:
    """The list of a session's outputs, in shared memory."""

    def __init__(self, session: str, *, create: bool = False) -> None:
        self.session = session
        self._segment = MemorySegment(session, 8 * (_MASTER + MASTER_WORDS) if create else None)
        self.words = self._segment.buffer.cast("Q")
        self.master = MasterWords(self._segment.buffer[8 * _MASTER : 8 * (_MASTER + MASTER_WORDS)])
        if create:
            self.words[1] = _VERSION
            self.words[2] = MOST_OUTPUTS
            fence()
            self.words[0] = _MAGIC
        elif self.words[0] != _MAGIC or self.words[1] != _VERSION:
            self.close()
            raise FileNotFoundError(f"{session} is not a Ganzfeld session of version {_VERSION}")

    def close(self) -> None:
        self.words.release()
        self.master.close()
        self._segment.close()

    @property
    def writer(self) -> int:
        """The number of the process that writes frames; 0 if none ever did."""
        return self.words[_WRITER]

    def take_over(self) -> None:
        """Frames are written by this process from now on."""
        self.words[_WRITER] = os.getpid()

    def expect_readers(self, count: int) -> None:
        """How many readers an output will have: rings that are too small for them are made anew, bit by bit."""
        self.words[_EXPECTED] = count

    def get(self, row: int, field: int) -> int:
        return self.words[_HEAD + _ROW * row + field]

    def put(self, row: int, field: int, value: int) -> None:
        self.words[_HEAD + _ROW * row + field] = value

    def name(self, row: int) -> str:
        start = 8 * (_HEAD + _ROW * row + _NAME)
        return bytes(self._segment.buffer[start : start + self.get(row, _NAME_BYTES)]).decode()

    def row(self, output: str) -> int | None:
        """The output's row, or None."""
        for row in range(MOST_OUTPUTS):
            if not self.get(row, _NAME_BYTES):
                return None
            if self.name(row) == output:
                return row
        return None

    def add(self, output: str) -> int:
        """The output's row; a new one if it has none. Raises OutputError when the board is full."""
        row = self.row(output)
        if row is not None:
            return row
        name = output.encode()
        if not 0 < len(name) <= LONGEST_NAME:
            raise OutputError(f"an output's name has 1 to {LONGEST_NAME} bytes, this one {len(name)}")
        for row in range(MOST_OUTPUTS):
            if not self.get(row, _NAME_BYTES):
                start = 8 * (_HEAD + _ROW * row + _NAME)
                self._segment.buffer[start : start + len(name)] = name
                fence()
                self.put(row, _NAME_BYTES, len(name))
                return row
        raise OutputError(f"there are more than {MOST_OUTPUTS} outputs", hint="Close the program to forget old names")

    def ring_name(self, row: int, generation: int) -> str:
        return f"{self.session}-{row}-{generation}"


class FrameStore:
    """A session's shared memory, from its start to its end. Belongs to the supervisor; make it before the writer.

    session: its name, made up if None; FileExistsError if there is such a session.
    """

    def __init__(self, session: str | None = None) -> None:
        self._board = Board(session or f"gz{secrets.token_hex(4)}", create=True)
        self._closed = False

    @property
    def session(self) -> str:
        """The session's name, for writers and readers."""
        return self._board.session

    @property
    def master(self) -> MasterWords:
        """Level, black and freeze of the session's doors."""
        return self._board.master

    @property
    def beats(self) -> int:
        """Counts the writer's `beat` calls: as long as it moves, the writer lives."""
        return self._board.words[_BEATS]

    def expect_readers(self, count: int) -> None:
        """See `Board.expect_readers`."""
        self._board.expect_readers(count)

    @property
    def published(self) -> int:
        """Changes whenever a frame of any output is published."""
        return sum(self._board.get(row, NUMBER) for row in range(MOST_OUTPUTS))

    def outputs(self) -> list[str]:
        """Names of the outputs that the patch has now and that have had a frame."""
        board = self._board
        return [board.name(row) for row in range(MOST_OUTPUTS) if board.get(row, ACTIVE) and board.get(row, GENERATION)]

    def close(self) -> None:
        """Remove every block of the session. Readers keep what they hold."""
        if self._closed:
            return
        self._closed = True
        remove(self._board)
        self._board.close()


def remove(board: Board) -> None:
    """Remove every block of a board's session, the board last. Readers keep what they hold, and see that it ended."""
    board.words[0] = 0
    for row in range(MOST_OUTPUTS):
        if not board.get(row, _NAME_BYTES):
            break
        # A writer killed while it changed the size leaves the ring before, or one not announced yet.
        generation = board.get(row, GENERATION)
        for each in range(max(generation - 1, 1), generation + 2):
            unlink(board.ring_name(row, each))
    unlink(board.session)


class Commit(Protocol):
    """Publishes what was written; the frame's number."""

    def __call__(self, *, frame: int, t: float) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class OpenSlot:
    """Room for one picture. pixels: [height, width, channels] of the format, uint8 RGBA by default, in shared memory;
    all of it is to be written. commit: publish it, with the show's `frame` and `t`."""

    pixels: np.ndarray
    commit: Commit


class FrameWriter:
    """Publishes frames into a session. One at a time; the next one goes on where a killed one stopped.

    `opened` is called with each ring before it is written to, and returns what waits until all is done that it has
    begun; `closing` with one that is written to no more: it closes the ring. For page-locking.

    Where there is no memory for pictures of a new size, they go out in the size of those before, until there is.
    """

    def __init__(
        self,
        session: str,
        *,
        opened: Callable[[Ring], Callable[[], object]] | None = None,
        closing: Callable[[Ring], None] = Ring.close,
    ) -> None:
        self._board = Board(session)
        self._board.take_over()
        self._opened, self._closing = opened, closing
        self._rings: dict[int, RingWriter] = {}
        self._coming: dict[int, Ring] = {}
        self._making = threading.Lock()
        """Held while a ring is made."""
        self._names: frozenset[str] = frozenset()
        self._lacking: dict[int, tuple[float, OutputError]] = {}
        """Rows whose ring could not be made: when it is tried again, and why."""

    @property
    def problem(self) -> OutputError | None:
        """Why an output's pictures go out in another size, or None."""
        return next((problem for _, problem in self._lacking.values()), None)

    def beat(self) -> None:
        """Say that the writer lives."""
        self._board.words[_BEATS] += 1

    def announce(self, outputs: frozenset[str]) -> None:
        """Which outputs the patch has now; the others keep their last frame but are no longer listed."""
        if outputs == self._names:
            return
        self._names = outputs
        for row in range(MOST_OUTPUTS):
            if not self._board.get(row, _NAME_BYTES):
                break
            self._board.put(row, ACTIVE, int(self._board.name(row) in outputs))

    def publish(
        self, output: str, width: int, height: int, fill: Callable[[np.ndarray], None], *, frame: int, t: float
    ) -> int | None:
        """Publish one frame; its number, or None if slow readers held every slot.

        `fill` writes all of the uint8 [height, width, 4] it is given, in shared memory; if it raises, nothing is
        published. Raises OutputError for a name or a size that cannot be.
        """
        place = self.begin(output, width, height)
        if place is None:
            return None
        fill(place.pixels)
        return place.commit(frame=frame, t=t)

    def begin(self, output: str, width: int, height: int, form: PixelFormat = RGBA8) -> OpenSlot | None:
        """Where to write the output's next picture; None if slow readers hold every slot. One at a time: before the
        next picture of this output is begun, this one is committed, or given up. Raises OutputError as `publish`."""
        row = self._board.add(output)
        writer = self._rings.get(row)
        if writer is None or not self._fits(writer.ring, width, height, form):
            writer = self._opened_or_as_before(row, width, height, form)
        slot = writer.begin()
        if slot is None:
            return None
        pixels = writer.ring.pixels(slot)
        if pixels.shape[:2] == (height, width):
            return OpenSlot(pixels, partial(self._commit, row, writer, slot))
        picture = np.zeros((height, width, form.channels), form.dtype)
        return OpenSlot(picture, partial(self._commit_resized, row, writer, slot, picture))

    def _opened_or_as_before(self, row: int, width: int, height: int, form: PixelFormat) -> RingWriter:
        """The ring for that size; the one of another size that the output has, if there is no memory for it. Raises
        OutputError."""
        before = self._rings.get(row)
        try_at, _ = self._lacking.get(row, (0.0, None))
        if before is not None and time.monotonic() < try_at:
            return before
        try:
            writer = self._open(row, width, height, form)
        except OutputError as error:
            before = self._rings.get(row)
            if before is None or before.ring.format != form or not isinstance(error.__cause__, OSError):
                raise
            if (before.ring.width, before.ring.height) != (width, height):
                size = f"{before.ring.width} × {before.ring.height}"
                problem = OutputError(error.what, hint=f"It goes out in {size} pixels meanwhile. {error.hint}")
                self._lacking[row] = time.monotonic() + TRY_AGAIN_SECONDS, problem
            return before
        self._lacking.pop(row, None)
        return writer

    def _commit_resized(
        self, row: int, writer: RingWriter, slot: int, picture: np.ndarray, *, frame: int, t: float
    ) -> int:
        ring = writer.ring
        rows = np.arange(ring.height) * picture.shape[0] // ring.height
        columns = np.arange(ring.width) * picture.shape[1] // ring.width
        ring.pixels(slot)[:] = picture[rows[:, None], columns]
        return self._commit(row, writer, slot, frame=frame, t=t)

    def _commit(self, row: int, writer: RingWriter, slot: int, *, frame: int, t: float) -> int:
        number = writer.commit(slot, frame=frame, t=t, wall=time.time())
        self._board.put(row, NUMBER, number)
        self._board.put(row, ACTIVE, 1)
        return number

    @property
    def dropped(self) -> int:
        """Frames that were not published because slow readers held every slot."""
        return sum(writer.dropped for writer in self._rings.values())

    def close(self) -> None:
        """Let go of the memory; what was published stays for the readers."""
        for writer in self._rings.values():
            self._closing(writer.ring)
        for row, ring in self._coming.items():
            unlink(self._board.ring_name(row, self._board.get(row, GENERATION) + 1))
            self._closing(ring)
        self._rings.clear()
        self._coming.clear()
        self._board.close()

    def _slots(self) -> int:
        return min(max(SLOTS, self._board.words[_EXPECTED] + 2), MOST_SLOTS)

    def _fits(self, ring: Ring, width: int, height: int, form: PixelFormat) -> bool:
        return (ring.width, ring.height, ring.format) == (width, height, form) and ring.slots >= self._slots()

    def _open(self, row: int, width: int, height: int, form: PixelFormat) -> RingWriter:
        """The ring for that size: the present one if it fits, else one of the next generation. Raises OutputError;
        then the present one stays."""
        board = self._board
        generation = board.get(row, GENERATION)
        old, other = self._rings.get(row), None
        number = board.get(row, NUMBER)
        if old is None and generation:  # another writer's
            with contextlib.suppress(FileNotFoundError):  # on Windows a block goes with its last user
                other = Ring.attach(board.ring_name(row, generation))
                number = max(number, other.newest)
                if self._fits(other, width, height, form):
                    return self._hold(row, other)
        with self._making:
            try:
                ring, is_new = self._made(row, width, height, form)
            except OutputError:
                if other is not None:
                    self._hold(row, other)
                raise
            if old is not None:
                old.ring.retire()
                self._closing(old.ring)
            elif other is not None:
                other.retire()
                other.close()
            ring.begin_after(number)
            board.put(row, WIDTH, width)
            board.put(row, HEIGHT, height)
            fence()
            board.put(row, GENERATION, generation + 1)
            if generation:
                unlink(board.ring_name(row, generation))
            return self._hold(row, ring, is_new=is_new)

    def _hold(self, row: int, ring: Ring, *, is_new: bool = True) -> RingWriter:
        if is_new and self._opened:
            self._opened(ring)
        self._rings[row] = RingWriter(ring)
        return self._rings[row]

    def _made(self, row: int, width: int, height: int, form: PixelFormat) -> tuple[Ring, bool]:
        """A ring of the next generation, which nobody reads yet, and whether it is new, not one that was prepared.
        Whoever calls holds `_making`."""
        coming = self._coming.pop(row, None)
        if coming is not None and self._fits(coming, width, height, form):
            return coming, False
        if coming is not None:
            self._closing(coming)
        name = self._board.ring_name(row, self._board.get(row, GENERATION) + 1)
        unlink(name)  # made, but not announced: prepared for another size, or by a writer that was killed
        try:
            return Ring.create(name, width, height, form=form, slots=self._slots()), True
        except (OSError, ValueError) as error:
            raise OutputError(
                f"no shared memory for an output of {width} × {height} pixels: {reason_of(error)}",
                hint="Make the output smaller, or give the system more shared memory (/dev/shm)",
            ) from error

    def prepare(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """On another thread: make what pictures of these sizes (width, height) will be written into, before the first
        of them comes, because that takes longer than a frame may."""
        for output, (width, height) in sizes.items():
            with self._making:
                row = self._board.row(output)
                writer = None if row is None else self._rings.get(row)
                if row is None or writer is None or self._fits(writer.ring, width, height, RGBA8):
                    continue
                try:
                    self._coming[row], is_new = self._made(row, width, height, RGBA8)
                except OutputError:
                    continue  # it is told when it is wanted
                until_done = self._opened(self._coming[row]) if is_new and self._opened else None
            if until_done is not None:
                until_done()


class FrameReader:
    """Reads one output of a session: always the newest frame, and the last one while there is no newer.

    May be shared by threads. Raises FileNotFoundError if there is no such session.
    """

    def __init__(self, session: str, output: str) -> None:
        self.output = output
        self._board = Board(session)
        self._lock = threading.Lock()
        self._row: int | None = None
        self._generation = 0
        self._reader: RingReader | None = None
        self._last: SharedFrame | None = None
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that the writer announced last; zeros before the first frame."""
        with self._lock:
            if self._closed or not self._newer(0) or self._row is None:
                return (0, 0) if self._last is None else (self._last.pixels.shape[1], self._last.pixels.shape[0])
            return self._board.get(self._row, WIDTH), self._board.get(self._row, HEIGHT)

    def latest(self) -> SharedFrame | None:
        """The newest frame, its pixels a copy that all who ask for it share: look, don't write. None: none yet."""
        with self._lock:
            if self._closed or not self._newer(self._last.number if self._last else 0):
                return self._last
            for _ in range(100):
                if not self._attach():
                    break
                assert self._reader is not None
                frame = self._reader.read()
                if frame is not None:
                    frame.pixels.flags.writeable = False
                    self._last = frame
                if self._board.get(self._row or 0, GENERATION) == self._generation:
                    break
            return self._last

    def wait(self, after: int = 0, timeout: float = 1.0) -> SharedFrame | None:
        """The newest frame as soon as its number is above `after`; None if there is none within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            with self._lock:
                newer = not self._closed and self._newer(after)
            if newer:
                frame = self.latest()
                if frame is not None and frame.number > after:
                    return frame
            if self._closed or time.monotonic() >= deadline:
                return None
            # Shared memory has no bell that works across systems; a look every millisecond costs 1 % of a core.
            time.sleep(0.001)

    def close(self) -> None:
        """Let go of the memory. `latest` goes on giving the last frame."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._detach()
                self._board.close()

    def _newer(self, after: int) -> bool:
        if self._row is None:
            self._row = self._board.row(self.output)
        return self._row is not None and self._board.get(self._row, NUMBER) > after

    def _attach(self) -> bool:
        """Attach to the present ring; False if it went away in this moment (the writer is changing it)."""
        assert self._row is not None
        generation = self._board.get(self._row, GENERATION)
        if generation == self._generation:
            return True
        try:
            ring = Ring.attach(self._board.ring_name(self._row, generation))
        except FileNotFoundError:
            return False
        self._detach()
        self._generation, self._reader = generation, RingReader(ring)
        return True

    def _detach(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader.ring.close()
        self._reader, self._generation = None, 0
