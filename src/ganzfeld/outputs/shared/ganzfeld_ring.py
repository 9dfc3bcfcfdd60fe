"""Pictures from Ganzfeld and to it, through shared memory: one file that needs NumPy alone.

Copy it beside your program (TouchDesigner, Blender, a script). Version 2 of the format; MIT licence.

    ganzfeld play organ.ganz --to shared:wall

    reader = ganzfeld_ring.Reader("wall")
    picture = reader.latest()          # None until there is one; the same object while there is no newer one
    picture.pixels                     # uint8 [height, width, 4]: RGBA, rows from the top, yours to keep
    picture.alpha, picture.stamp       # "straight", nanoseconds of time.perf_counter when it was published

    writer = ganzfeld_ring.Writer("noise")              # for the node shared("noise")
    writer.write(pixels)                                # uint8, uint16, float16 or float32, [height, width, channels]
    writer.write(row.reshape(1, 512, 1), colour="data") # numbers that are no colours: a latent
    writer.close()

Nobody waits for anybody: a reader gets the newest picture and never a torn one, a writer drops a picture when readers
hold all slots. Either side may start first, end, or be started again.

The format (words of 8 bytes, little-endian): a block named `gz-NAME` tells which ring holds the newest pictures; the
ring `gz-NAME-0-GENERATION` has a page of words, then its slots. `ganzfeld_ring.h` has the same as C.
"""

# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false, reportOptionalIterable=false, reportArgumentType=false
from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import random
import sys
import threading
import time

import numpy as np

PREFIX = "gz-"
VERSION = 2
DTYPES = ("uint8", "float16", "float32", "uint16")
ALPHAS = ("straight", "premultiplied", "opaque")
COLOURS = ("sRGB", "linear", "data")
LARGEST_SIDE = 16384
READERS = 32
LEASE_SECONDS, ROW_SECONDS = 1.0, 10.0
PATIENCE_SECONDS = 1.0

_BOARD_MAGIC = int.from_bytes(b"GANZFELD", "little")
_RING_MAGIC = int.from_bytes(b"GANZRING", "little")
_BOARD_BYTES = 8 * (32 + 32 * 16 + 16 * 17)
_PAGE = 4096
_WRITER, _EXPECTED = 4, 5
_ROW = 32  # the board's first row: generation, newest number, width, height, active, bytes in the name, the name
_GENERATION, _NUMBER, _WIDTH, _HEIGHT, _ACTIVE, _NAME_BYTES, _NAME = range(_ROW, _ROW + 7)
_NEWEST, _RETIRED = 8, 12
_SLOT = 16
_OUTPUT = b"picture"

_fence_lock = threading.Lock()


def _fence():
    """A full memory barrier: two pairs of locked instructions."""
    for _ in range(2):
        _fence_lock.acquire()
        _fence_lock.release()


class Picture:
    """A picture. pixels: [height, width, channels]. dtype, alpha, colour: what it is made of (`DTYPES`, …). number:
    counts pictures from 1. frame, t: of the show. wall: seconds since 1970. stamp: nanoseconds of time.perf_counter."""

    __slots__ = ("alpha", "colour", "frame", "number", "pixels", "stamp", "t", "wall")

    def __init__(self, pixels, number, frame, t, wall, stamp, alpha, colour):
        self.pixels, self.number, self.frame = pixels, number, frame
        self.t, self.wall, self.stamp = t, wall, stamp
        self.alpha, self.colour = alpha, colour


class Reader:
    """Reads the pictures of a public name. For one thread at a time."""

    def __init__(self, name, *, bottom_up=False):
        """bottom_up: rows come from the bottom, as TouchDesigner and OpenGL have them."""
        self.name = name
        self._rows = slice(None, None, -1) if bottom_up else slice(None)
        self._board = None
        self._ring = None
        self._generation = 0
        self._last = None
        self._news_at = 0.0

    def latest(self):
        """The newest picture, a copy; the same object while there is no newer one; None: there was none yet."""
        for _ in range(3):
            if not self._attach():
                break
            picture = self._ring.read(self._last, self._rows)
            if picture is not None:
                self._last, self._news_at = picture, time.monotonic()
            elif time.monotonic() - self._news_at > PATIENCE_SECONDS:
                self._news_at = time.monotonic()
                self._leave()  # the name may lead to another writer's memory by now
                continue
            if not self._ring.words[_RETIRED]:
                break
        return self._last

    @property
    def is_live(self):
        """Whether somebody writes under this name at present."""
        return self._attach()

    def close(self):
        """Let go of the memory. `latest` goes on giving the last picture."""
        self._leave()

    def _attach(self):
        """To the ring that the board names; False if there is none."""
        board, ring = self._board, self._ring
        if board is not None and ring is not None and not ring.words[_RETIRED]:
            head = board.words[[0, _GENERATION]].tolist()
            if head == [_BOARD_MAGIC, self._generation]:
                return True
        self._leave()
        try:
            self._board = _Block(PREFIX + self.name)
            words = self._board.words
            if len(words) * 8 < _BOARD_BYTES or words[0] != _BOARD_MAGIC or words[1] != VERSION:
                raise FileNotFoundError
            self._generation = words[_GENERATION]
            self._ring = _Ring(_Block(f"{PREFIX}{self.name}-0-{self._generation}"))
        except (FileNotFoundError, ValueError):
            self._leave()
            return False
        return True

    def _leave(self):
        if self._ring is not None:
            self._ring.close()
        if self._board is not None:
            self._board.close()
        self._ring = self._board = None


class Writer:
    """Writes pictures under a public name. One writer a name; one that was killed is gone on from."""

    def __init__(self, name, *, readers=2):
        """readers: programs that look at a time, at most 6. Raises FileExistsError if another program writes so."""
        self.name = name
        self.dropped = 0
        self._ring = None
        session = PREFIX + name
        try:
            self._board = _Block(session, _BOARD_BYTES)
        except FileExistsError:
            self._board = _Block(session)
            pid = self._board.words[_WRITER]
            if pid != os.getpid() and _is_alive(pid):
                self._board.close()
                raise FileExistsError(f"another program already shares pictures as '{name}'") from None
        words = self._board.words
        words[1], words[2] = VERSION, 16
        words[_WRITER], words[_EXPECTED] = os.getpid(), readers
        if not words[_NAME_BYTES]:
            words[_NAME] = int.from_bytes(_OUTPUT, "little")
            _fence()
            words[_NAME_BYTES] = len(_OUTPUT)
        _fence()
        words[0] = _BOARD_MAGIC
        self._slots = min(max(4, readers + 2), 8)

    def write(self, pixels, *, alpha="straight", colour="sRGB", frame=0, t=0.0):
        """Publish a picture, [height, width] or [height, width, 1 to 4]; False: readers held every slot."""
        pixels = np.asarray(pixels)
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        height, width, channels = pixels.shape
        kind = (width, height, channels, DTYPES.index(pixels.dtype.name), ALPHAS.index(alpha), COLOURS.index(colour))
        if self._ring is None or self._ring.kind != kind:
            self._open(kind)
        slot = self._ring.begin()
        if slot is None:
            self.dropped += 1
            return False
        np.copyto(self._ring.pixels[slot], pixels)
        self._board.words[_NUMBER] = self._ring.commit(slot, frame, t)
        self._board.words[_ACTIVE] = 1
        return True

    def close(self):
        """End, and take the name away."""
        generation = self._board.words[_GENERATION]
        self._board.words[0] = 0
        if self._ring is not None:
            self._ring.words[_RETIRED] = 1
            self._ring.close()
            self._ring = None
        for each in (generation, generation + 1):
            _unlink(f"{PREFIX}{self.name}-0-{each}")
        _unlink(PREFIX + self.name)
        self._board.close()

    def _open(self, kind):
        words = self._board.words
        generation, number = words[_GENERATION], words[_NUMBER]
        old = self._ring
        if old is None and generation:  # a killed writer's
            with contextlib.suppress(FileNotFoundError, ValueError):
                old = _Ring(_Block(f"{PREFIX}{self.name}-0-{generation}"))
        if old is not None:
            number = max(number, old.words[_NEWEST] >> 4)
        name = f"{PREFIX}{self.name}-0-{generation + 1}"
        _unlink(name)
        self._ring = _Ring.create(name, kind, self._slots, number)
        words[_WIDTH], words[_HEIGHT] = kind[:2]
        _fence()
        words[_GENERATION] = generation + 1
        if old is not None:
            old.words[_RETIRED] = 1
            old.close()
            _unlink(f"{PREFIX}{self.name}-0-{generation}")


class _Ring:
    """The slots: how they are read and written without waiting (Ganzfeld's values/frame_slots.py explains it)."""

    def __init__(self, block):
        self._block = block
        self.words, self.floats = block.words, block.floats
        words = self.words
        try:
            if len(words) < _PAGE // 8 or words[0] != _RING_MAGIC or words[1] != VERSION:
                raise ValueError(f"{block.name} is not a ring of version {VERSION}")
            self.slots, width, height, channels, stride, start = words[2:8].tolist()
            dtype, alpha, colour = words[9:12].tolist()
            sides = 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE
            if not (sides and 0 < self.slots <= 8 and 0 < channels <= 4):
                raise ValueError(f"{block.name} is no ring")
            self.kind = (width, height, channels, dtype, alpha, colour)
            self.alpha, self.colour = ALPHAS[alpha], COLOURS[colour]
            count, number = width * height * channels, np.dtype(DTYPES[dtype])
            if stride < count * number.itemsize or start < _PAGE or start + stride * self.slots > len(block.memory):
                raise ValueError(f"{block.name} is smaller than it says")
            self.pixels = [
                np.frombuffer(block.memory, number, count, start + stride * slot).reshape(height, width, channels)
                for slot in range(self.slots)
            ]
        except IndexError:
            self.close()
            raise ValueError(f"{block.name} is of an unknown kind") from None
        except BaseException:
            self.close()
            raise
        self._token = random.SystemRandom().getrandbits(63) | 1
        self._row = None

    @classmethod
    def create(cls, name, kind, slots, last_number):
        width, height, channels, dtype, alpha, colour = kind
        size = width * height * channels * np.dtype(DTYPES[dtype]).itemsize
        stride = -(-size // _PAGE) * _PAGE
        block = _Block(name, _PAGE + slots * stride)
        block.words[1:14] = (
            *(VERSION, slots, width, height, channels, stride, _PAGE, last_number << 4),
            *(dtype, alpha, colour, 0, READERS),
        )
        _fence()
        block.words[0] = _RING_MAGIC
        return cls(block)

    def read(self, last, rows):
        """A copy of the newest picture's rows, None if that is `last` or there is none."""
        words, floats = self.words, self.floats
        self._keep_row()
        for _ in range(100):
            newest = int(words[_NEWEST])
            slot, number = newest & 15, newest >> 4
            word = _SLOT + 8 * slot
            if slot >= self.slots or not number:
                return None
            if last is not None and (last.number, last.stamp) == (number, int(words[word + 4])):
                return None
            self._lease(newest)
            if words[word] != 2 * number:
                if newest == words[_NEWEST]:
                    break  # nothing was published in this ring yet
                continue
            pixels = self.pixels[slot][rows].copy()
            frame, stamp = int(words[word + 1]), int(words[word + 4])
            t, wall = float(floats[word + 2]), float(floats[word + 3])
            _fence()
            if words[word] == 2 * number:
                self._lease(0)
                return Picture(pixels, number, frame, t, wall, stamp, self.alpha, self.colour)
        self._lease(0)
        return None

    def begin(self):
        """A slot to write into, or None."""
        words = self.words
        number, newest = int(words[_NEWEST]) >> 4, int(words[_NEWEST]) & 15
        sequences = [int(words[_SLOT + 8 * slot]) for slot in range(self.slots)]
        free = [slot for slot in range(self.slots) if slot != newest or sequences[slot] == 0]
        for slot in sorted(free, key=sequences.__getitem__):
            before = sequences[slot]
            if self._is_leased(slot, before):
                continue
            words[_SLOT + 8 * slot] = 2 * number + 1
            _fence()
            if not self._is_leased(slot, before):
                return slot
            words[_SLOT + 8 * slot] = before
        return None

    def commit(self, slot, frame, t):
        """Publish what was written into the slot; its number."""
        words, word = self.words, _SLOT + 8 * slot
        number = (int(words[_NEWEST]) >> 4) + 1
        words[word + 1] = frame
        self.floats[word + 2], self.floats[word + 3] = t, time.time()
        words[word + 4] = time.perf_counter_ns()
        _fence()
        words[word] = 2 * number
        _fence()
        words[_NEWEST] = number << 4 | slot
        return number

    def close(self):
        if getattr(self, "_row", None) is not None and self._owns_row():
            self.words[self._word() + 1] = 0
            self.words[self._word()] = 0
        self.pixels = []
        self.words = self.floats = None
        self._block.close()

    def _is_leased(self, slot, sequence):
        if sequence == 0 or sequence % 2:
            return False
        lease, oldest = (sequence >> 1) << 4 | slot, time.monotonic() - LEASE_SECONDS
        first = _SLOT + 8 * self.slots
        rows = self.words[first : first + 8 * READERS].reshape(READERS, 8)
        since = self.floats[first : first + 8 * READERS].reshape(READERS, 8)[:, 2]
        return bool(((rows[:, 1] == lease) & (rows[:, 0] != 0) & (since >= oldest)).any())

    def _word(self):
        return _SLOT + 8 * self.slots + 8 * (self._row or 0)

    def _owns_row(self):
        return self._row is not None and self.words[self._word()] == self._token

    def _lease(self, newest):
        if self._owns_row():
            self.floats[self._word() + 2] = time.monotonic()
            self.words[self._word() + 1] = newest
            _fence()

    def _keep_row(self):
        now = time.monotonic()
        if not self._owns_row():
            self._row = None
            for row in range(READERS):
                word = _SLOT + 8 * self.slots + 8 * row
                if self.words[word] == 0 or self.floats[word + 3] < now - ROW_SECONDS:
                    self.words[word + 1] = 0
                    self.floats[word + 3] = now
                    self.words[word] = self._token
                    _fence()
                    self._row = row
                    break
        if self._row is not None:
            self.floats[self._word() + 3] = now


class _Block:
    """A block of shared memory by name, made if `size` is given. No process but ours is told of it, and Python's own
    resource tracker neither: that would remove the block when a reader ends."""

    def __init__(self, name, size=None):
        self.name = name
        if sys.platform == "win32":
            self.memory = self._of_windows(name, size)
        else:
            self.memory = self._of_posix(name, size)
        whole = len(self.memory) // 8
        self.words = np.frombuffer(self.memory, np.uint64, whole)
        self.floats = np.frombuffer(self.memory, np.float64, whole)

    def close(self):
        """Let go. The mapping ends with the last array that shows it."""
        self.words = self.floats = None
        with contextlib.suppress(BufferError):
            self.memory.close()

    @staticmethod
    def _of_posix(name, size):
        import _posixshmem

        flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if size is not None else 0)
        handle = _posixshmem.shm_open("/" + name, flags, mode=0o600)
        try:
            if size is not None:
                os.ftruncate(handle, size)
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(handle, 0, size)
            size = os.fstat(handle).st_size
            if size < 8:
                raise FileNotFoundError(name)
            return mmap.mmap(handle, size)
        finally:
            os.close(handle)

    @staticmethod
    def _of_windows(name, size):
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
        kernel.OpenFileMappingW.restype = ctypes.c_void_p
        kernel.OpenFileMappingW.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_wchar_p]
        kernel.CloseHandle.argtypes = [ctypes.c_void_p]
        there = kernel.OpenFileMappingW(4, 0, name)
        if there:
            kernel.CloseHandle(there)
        if bool(there) == (size is not None):
            raise (FileExistsError if there else FileNotFoundError)(name)
        if size is not None:
            return mmap.mmap(-1, size, tagname=name)  # type: ignore[call-arg]
        head = mmap.mmap(-1, _PAGE, tagname=name)  # type: ignore[call-arg]
        words = np.frombuffer(head, np.uint64)
        size = _BOARD_BYTES if words[0] == _BOARD_MAGIC else int(words[7] + words[6] * words[2])
        return mmap.mmap(-1, max(size, _PAGE), tagname=name)  # type: ignore[call-arg]


def _unlink(name):
    if sys.platform != "win32":
        import _posixshmem

        with contextlib.suppress(FileNotFoundError):
            _posixshmem.shm_unlink("/" + name)


def _is_alive(pid):
    pid = int(pid)
    if pid <= 0:
        return False
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        handle = kernel.OpenProcess(0x1000, 0, pid)
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # one that has ended, and whose parent has not asked about it yet, answers on Linux, too
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:
        return True
