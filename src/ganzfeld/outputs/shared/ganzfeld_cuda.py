"""Ganzfeld's newest picture in the memory of an NVIDIA card, without a way through the host: one file that needs NumPy
and the card's driver alone.

Copy it beside your program. Version 1 of the format; MIT licence.

    ganzfeld play organ.ganz --to cuda:wall

    reader = ganzfeld_cuda.CardReader("wall")
    picture = reader.latest()        # None: there is none now, and reader.problem says why
    tensor = torch.as_tensor(picture, device="cuda")      # or cupy.asarray(picture): the same memory, no copy
    ...                                                   # look, do not write
    reader.release()                 # or the next reader.latest(): your work on the card is waited for first

A picture is uint8, [height, width, 4]: `picture.order` "RGBA" or "BGRA", `picture.origin` says which row comes first,
"top" or "bottom" (`--to cuda:wall,order=BGRA,origin=bottom` is what TouchDesigner wants). It stays as it is until
`release`, `close` or the `latest` that gives a newer one: the writer takes other slots meanwhile. Those three wait
until your work that reads it has ended: all of your context's, or that of the `stream` you name. A picture is whole
when you get it: its number is published when the copy on the card is complete, so nothing has to be waited for.

A reader belongs to one thread, and to the CUDA context that is current there when it opens a picture; where none is,
it takes the card's primary context, which the CUDA runtime, torch and CuPy use.

What can go wrong: when Ganzfeld's render process dies, its memory goes with it. The reader sees that at the next
`latest`, closes what it had opened without touching it, and finds the next writer. Work of yours that was reading just
then may fail, and CUDA may call your context broken until your program is started again. Where that must not happen,
read shared memory (`ganzfeld_ring.py`).
"""

# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import random
import sys
import threading
import time

PREFIX = "gc-"
VERSION, BOARD_VERSION = 1, 2
ORDERS, ORIGINS = ("RGBA", "BGRA"), ("top", "bottom")
ALPHAS = ("straight", "premultiplied", "opaque")
LARGEST_SIDE = 16384
READERS = 32
PAUSE_SECONDS = 1.0
"""Between attempts to open a memory that could not be opened."""

_BOARD_MAGIC = int.from_bytes(b"GANZFELD", "little")
_RING_MAGIC = int.from_bytes(b"GANZCARD", "little")
_PAGE = 4096
_BOARD_BYTES = 8 * (32 + 32 * 16 + 16 * 17)
_GENERATION = 32
_NEWEST, _RETIRED, _PID = 8, 12, 14
_SLOT, _HANDLE, _UUID = 16, 400, 408
_LAZY_PEERS = 1  # CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS, the one flag there is
_IPC_EVENTS = 125  # CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED

_fence_lock = threading.Lock()


def _fence():
    """A full memory barrier: two pairs of locked instructions."""
    for _ in range(2):
        _fence_lock.acquire()
        _fence_lock.release()


class CudaError(RuntimeError):
    """What the driver says. code: its number, 0 where there is no driver."""

    def __init__(self, words, code=0):
        super().__init__(words)
        self.code = code


class CardHandle(ctypes.Structure):
    """CUipcMemHandle."""

    _fields_ = (("reserved", ctypes.c_ubyte * 64),)


class Card:
    """A card. number: the driver's, in this process. uuid: 16 bytes, the same in every process. problem: why its memory
    cannot be shared, or ""."""

    def __init__(self, number, name, uuid, problem):
        self.number, self.name, self.uuid, self.problem = number, name, uuid, problem


class Driver:
    """The driver's calls that are needed. library: the driver's own, None: the machine's. Raises CudaError."""

    def __init__(self, library=None):
        self._library = load() if library is None else library
        self._primary = {}
        self._call("cuInit", ctypes.c_uint(0))

    def cards(self):
        """Every card that this process may use, as a list of `Card`."""
        count = ctypes.c_int()
        self._call("cuDeviceGetCount", ctypes.byref(count))
        return [self.card(number) for number in range(count.value)]

    def card(self, number):
        """The card of that number."""
        device, ipc = ctypes.c_int(), ctypes.c_int()
        name, uuid = ctypes.create_string_buffer(256), (ctypes.c_ubyte * 16)()
        self._call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(number))
        self._call("cuDeviceGetName", name, ctypes.c_int(256), device)
        newer = hasattr(self._library, "cuDeviceGetUuid_v2")  # tells the parts of a card apart
        self._call("cuDeviceGetUuid_v2" if newer else "cuDeviceGetUuid", ctypes.byref(uuid), device)
        words, problem = name.value.decode("utf-8", "replace"), ""
        try:
            self._call("cuDeviceGetAttribute", ctypes.byref(ipc), ctypes.c_int(_IPC_EVENTS), device)
        except CudaError:
            ipc.value = int(sys.platform != "win32")  # a driver that is older than the question
        if " MIG " in words + " ":
            problem = f"the card is divided by MIG ({words}), and its parts share no memory between programs"
        elif not ipc.value:
            problem = f"the driver of {words} shares no memory between programs (on Windows: in its mode WDDM)"
        return Card(number, words, bytes(uuid), problem)

    def context(self, number):
        """The context to use on the card of that number: the thread's current one if it is of this card, else the
        primary one, which is then kept."""
        context, device, wanted = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
        self._call("cuDeviceGet", ctypes.byref(wanted), ctypes.c_int(number))
        self._call("cuCtxGetCurrent", ctypes.byref(context))
        if context.value:
            self._call("cuCtxGetDevice", ctypes.byref(device))
            if device.value == wanted.value:
                return context.value
        if number not in self._primary:
            self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), wanted)
            self._primary[number] = context.value
        return self._primary[number]

    @contextlib.contextmanager
    def within(self, context):
        """The context is current meanwhile."""
        before = ctypes.c_void_p()
        self._call("cuCtxPushCurrent_v2", ctypes.c_void_p(context))
        try:
            yield
        finally:
            self._library.cuCtxPopCurrent_v2(ctypes.byref(before))

    def allocate(self, size):
        """An address of so many bytes on the card of the current context."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def free(self, address):
        """Give memory back that `allocate` gave."""
        self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def handle(self, address):
        """64 bytes with which other processes open memory that `allocate` gave."""
        handle = CardHandle()
        self._call("cuIpcGetMemHandle", ctypes.byref(handle), ctypes.c_uint64(address))
        return bytes(handle)

    def open(self, handle):
        """Where the memory of another process is in this one."""
        address = ctypes.c_uint64()
        given = CardHandle.from_buffer_copy(handle)
        self._call("cuIpcOpenMemHandle_v2", ctypes.byref(address), given, ctypes.c_uint(_LAZY_PEERS))
        return address.value

    def close(self, address):
        """Give memory back that `open` gave."""
        self._call("cuIpcCloseMemHandle", ctypes.c_uint64(address))

    def wait(self, stream=None):
        """Until the work of a stream, or of the current context, has ended."""
        if stream is None:
            self._call("cuCtxSynchronize")
        else:
            self._call("cuStreamSynchronize", ctypes.c_void_p(stream))

    def to_host(self, address, size):
        """So many bytes of the card's memory."""
        memory = (ctypes.c_ubyte * size)()
        self._call("cuMemcpyDtoH_v2", ctypes.byref(memory), ctypes.c_uint64(address), ctypes.c_size_t(size))
        return memory

    def _call(self, name, *arguments):
        code = getattr(self._library, name)(*arguments)
        if code:
            words = ctypes.c_char_p()
            self._library.cuGetErrorString(ctypes.c_int(code), ctypes.byref(words))
            said = (words.value or b"unknown").decode("utf-8", "replace")
            raise CudaError(f"CUDA's {name}: {said} ({code})", code)


def load():
    """The driver's library of this machine. Raises CudaError if there is none."""
    try:
        if sys.platform == "win32":
            return ctypes.WinDLL("nvcuda.dll")  # type: ignore[attr-defined]
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise CudaError("there is no driver of an NVIDIA card here") from None


class CardPicture:
    """A picture on a card, readable until it is given back.

    width, height; order, origin, alpha: how it lies (`ORDERS`, `ORIGINS`, `ALPHAS`). address: of its first byte on the
    card; size: bytes, without gaps. card: the card's number here. number: counts pictures from 1. frame, t: of the
    show. wall: seconds since 1970. stamp: nanoseconds of time.perf_counter when it was published.
    """

    def __init__(self, ring, address, words):
        self.width, self.height = ring.width, ring.height
        self.order, self.origin, self.alpha = ring.order, ring.origin, ring.alpha
        self.address, self.size, self.card = address, 4 * ring.width * ring.height, ring.card
        self.number, self.frame, self.t, self.wall, self.stamp = words
        self.ring = ring

    @property
    def is_held(self):
        """Whether it may still be read: it was not given back, and the writer did not take its slot."""
        return self.ring is not None and self.ring.holds(self)

    @property
    def __cuda_array_interface__(self):
        if self.ring is None:
            raise CudaError("this picture was given back")
        # Not marked as read-only, because torch takes no such memory.
        return {
            "shape": (self.height, self.width, 4),
            "typestr": "|u1",
            "data": (self.address, False),
            "strides": None,
            "version": 3,
        }

    def forget(self):
        """It was given back."""
        self.ring = None

    def to_host(self):
        """A copy in the host's memory, uint8 [height, width, 4]."""
        import numpy as np

        if self.ring is None:
            raise CudaError("this picture was given back")
        memory = self.ring.to_host(self.address, self.size)
        return np.frombuffer(memory, np.uint8).reshape(self.height, self.width, 4)


class CardReader:
    """Reads the pictures of a public name. For one thread. problem: why there is none, or ""."""

    def __init__(self, name, *, stream=None, driver=None):
        """stream: where your work reads pictures (a CUstream or cudaStream_t as a number); None: anywhere in the
        context. Raises CudaError where there is no NVIDIA driver."""
        self.name, self.stream, self.problem = name, stream, ""
        self._driver = Driver() if driver is None else driver
        self._board = self._ring = self._picture = None
        self._generation, self._again_at = 0, 0.0

    def latest(self):
        """The newest picture; the same object while there is no newer one; None while nobody shares any."""
        try:
            for _ in range(3):
                if not self._attach():
                    return None
                picture = self._ring.take(self._picture, self._wait)
                if not self._ring.words[_RETIRED]:
                    self._picture, self.problem = picture, ""
                    return picture
        except CudaError as error:
            self._again_at = time.monotonic() + PAUSE_SECONDS
            self._leave()
            self.problem = str(error)
        return None

    def release(self):
        """Give the picture back when your work that reads it has ended; `latest` gives the newest again. Raises
        CudaError if that work failed."""
        if self._picture is not None:
            self._wait()
            self._picture.forget()
            self._picture = None
            self._ring.lease(0)

    def close(self):
        """Give everything back."""
        self._leave()

    def _wait(self):
        if self._picture is not None:
            with self._driver.within(self._ring.context):
                self._driver.wait(self.stream)

    def _attach(self):
        """To the ring that the board names; False if there is none."""
        if self._ring is not None:
            words = self._board.words
            if [words[0], words[_GENERATION]] == [_BOARD_MAGIC, self._generation] and self._ring.is_live():
                return True
            self._leave()
        if time.monotonic() < self._again_at:
            return False
        self.problem = f"nobody shares pictures on a card as '{self.name}'"
        try:
            self._board = _SharedPages(PREFIX + self.name, _BOARD_BYTES)
            words = self._board.words
            if words[0] != _BOARD_MAGIC or words[1] != BOARD_VERSION:
                raise FileNotFoundError
            self._generation = words[_GENERATION]
            block = _SharedPages(f"{PREFIX}{self.name}-0-{self._generation}", _PAGE)
            self._ring = _CardRing(block, self._driver)
        except (FileNotFoundError, ValueError):
            self._leave()
            return False
        if self._ring.is_live() and self._ring.open():
            return True
        self._leave()
        return False

    def _leave(self):
        if self._ring is not None:
            with contextlib.suppress(CudaError):
                self._wait()  # of a dead writer's memory it may fail
            if self._picture is not None:
                self._picture.forget()
            self._ring.close()
        if self._board is not None:
            self._board.close()
        self._board = self._ring = self._picture = None


class _CardRing:
    """The slots (Ganzfeld's values/card_ring.py explains how they are read and written without waiting)."""

    def __init__(self, block, driver):
        self._block, self._driver = block, driver
        self.words, self.floats = block.words, block.floats
        words = self.words
        self.context = self._base = self._row = None
        self.card = 0
        self.slots, self.width, self.height, channels, self._stride, size = words[2:8]
        order, alpha, origin = words[9:12]
        sides = 0 < self.width <= LARGEST_SIDE and 0 < self.height <= LARGEST_SIDE and channels == 4
        fits = 4 * self.width * self.height <= self._stride and self._stride * self.slots <= size
        known = order < len(ORDERS) and alpha < len(ALPHAS) and origin < len(ORIGINS)
        if words[0] != _RING_MAGIC or words[1] != VERSION or not (sides and fits and known and 0 < self.slots <= 8):
            block.close()
            raise ValueError(f"{block.name} is not a ring of version {VERSION}")
        self.order, self.alpha, self.origin = ORDERS[order], ALPHAS[alpha], ORIGINS[origin]
        self._token = random.SystemRandom().getrandbits(63) | 1

    def is_live(self):
        """Whether the writer lives and has not gone on to another ring, and our row is ours."""
        words = self.words
        row_is_ours = self._row is None or words[self._row] == self._token
        return not words[_RETIRED] and row_is_ours and _is_alive(words[_PID])

    def open(self):
        """Take a row, then map the memory. False if the writer left meanwhile. Raises CudaError."""
        self._take_row()
        if self.words[_RETIRED]:
            return False
        uuid = b"".join(self.words[_UUID + word].to_bytes(8, "little") for word in range(2))
        card = next((each for each in self._driver.cards() if each.uuid == uuid), None)
        if card is None:
            raise CudaError("the pictures are on a card that this program does not see")
        if card.problem:
            raise CudaError(card.problem)
        self.card = card.number
        self.context = self._driver.context(card.number)
        handle = b"".join(self.words[_HANDLE + word].to_bytes(8, "little") for word in range(8))
        with self._driver.within(self.context):
            self._base = self._driver.open(handle)
        return True

    def take(self, held, wait):
        """The newest picture, leased; `held` if it is that. wait: called before `held` is given back."""
        words, floats = self.words, self.floats
        for _ in range(100):
            newest = words[_NEWEST]
            slot, number = newest & 15, newest >> 4
            word = _SLOT + 8 * slot
            if held is not None and held.ring is not None and held.number == number:
                return held
            if slot >= self.slots or not number:
                return None
            if held is not None:
                wait()
                held.forget()
            self.lease(newest)
            if words[word] == 2 * number:
                said = number, words[word + 1], floats[word + 2], floats[word + 3], words[word + 4]
                return CardPicture(self, self._base + slot * self._stride, said)
            if newest == words[_NEWEST]:
                break  # nothing was published in this ring yet
        self.lease(0)
        return None

    def holds(self, picture):
        """Whether the picture's slot is leased by us, and unwritten since."""
        slot = (picture.address - self._base) // self._stride
        leased = self.words[self._row] == self._token and self.words[self._row + 1] == picture.number << 4 | slot
        return leased and self.words[_SLOT + 8 * slot] == 2 * picture.number

    def lease(self, newest):
        """Tell the writer which picture is looked at; 0: none."""
        self.floats[self._row + 2] = self.floats[self._row + 3] = time.monotonic()
        self.words[self._row + 1] = newest
        _fence()

    def to_host(self, address, size):
        with self._driver.within(self.context):
            return self._driver.to_host(address, size)

    def close(self):
        """Unmap the memory, and only then give the row back: the writer may free it from then on."""
        if self._base is not None:
            with contextlib.suppress(CudaError), self._driver.within(self.context):
                self._driver.close(self._base)
        _fence()
        if self._row is not None and self.words[self._row] == self._token:
            self.words[self._row + 1] = 0
            self.words[self._row] = 0
        self.words = self.floats = self._base = self._row = None
        self._block.close()

    def _take_row(self):
        words, first = self.words, _SLOT + 8 * self.slots
        begin = random.randrange(READERS)  # two readers that start at once take two rows
        for place in range(READERS):
            row = first + 8 * ((begin + place) % READERS)
            if words[row] == 0 or not _is_alive(words[row + 4]):
                words[row + 1] = 0
                words[row + 4] = os.getpid()
                words[row] = self._token
                _fence()
                if words[row] == self._token:
                    self._row = row
                    return
        raise CudaError(f"{READERS} programs look at these pictures already")


class _SharedPages:
    """A block of shared memory by name. Python's resource tracker is told nothing: it would remove the block."""

    def __init__(self, name, size):
        self.name = name
        if sys.platform == "win32":
            kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
            kernel.OpenFileMappingW.restype = ctypes.c_void_p
            kernel.OpenFileMappingW.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_wchar_p]
            kernel.CloseHandle.argtypes = [ctypes.c_void_p]
            there = kernel.OpenFileMappingW(4, 0, name)
            if not there:
                raise FileNotFoundError(name)
            self._memory = mmap.mmap(-1, size, tagname=name)  # type: ignore[call-arg]
            kernel.CloseHandle(there)
        else:
            import _posixshmem

            handle = _posixshmem.shm_open("/" + name, os.O_RDWR, mode=0o600)
            try:
                if os.fstat(handle).st_size < size:
                    raise FileNotFoundError(name)
                self._memory = mmap.mmap(handle, size)
            finally:
                os.close(handle)
        whole = memoryview(self._memory)
        # Not NumPy: a word of such a view is read and written whole, by one instruction.
        self.words, self.floats = whole.cast("Q"), whole.cast("d")

    def close(self):
        """Let go."""
        self.words.release()
        self.floats.release()
        with contextlib.suppress(BufferError):
            self._memory.close()


def _is_alive(pid):
    if pid <= 0:
        return False
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        kernel.OpenProcess.restype = ctypes.c_void_p
        kernel.CloseHandle.argtypes = [ctypes.c_void_p]
        handle = kernel.OpenProcess(0x1000, 0, pid)
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:
        return True
    try:  # one that has ended, and whose parent has not asked about it yet, answers on Linux, too
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:
        return True
