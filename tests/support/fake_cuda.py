"""A strict stand-in for the driver of an NVIDIA card, as far as memory shared between processes goes.

Each `FakeCuda` is one process's driver; those of one folder see one card. Its memory is files that are mapped, so real
processes can share it. It holds its callers to what the real driver's documentation says: nothing before `cuInit`, no
memory without a current context, arguments of the C types, a handle opened in another process only than the one that
made it and once at a time, and memory freed only when nobody has it open. What breaks the rules fails as the real one
does where that is defined, and with an AssertionError where it is not.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import mmap
import os
from pathlib import Path

import psutil

INVALID_VALUE, NOT_INITIALISED, INVALID_CONTEXT, ALREADY_MAPPED, ILLEGAL_ADDRESS = 1, 3, 201, 208, 700
_numbers = itertools.count()


class FakeCuda:
    """name: the card's. shares: what the driver answers to the question for interprocess events. uuid: the card's."""

    def __init__(self, folder: Path, name: str = "NVIDIA H200", *, shares: bool = True, uuid: bytes = b"\x07" * 16):
        self._folder, self._name, self._shares, self._uuid = folder, name, shares, uuid
        self._me = f"{os.getpid()}.{next(_numbers)}"
        self._is_on = False
        self._stack: list[int] = []
        self._made: dict[int, tuple[Path, mmap.mmap]] = {}
        self._open: dict[int, tuple[Path, mmap.mmap]] = {}
        self.waited = 0
        self.fails: int = 0
        """What waiting for work answers."""

    @property
    def allocated(self) -> list[int]:
        """Bytes of each memory that this process made and has not freed."""
        return [len(memory) for _, memory in self._made.values()]

    @property
    def opened(self) -> int:
        """Memories of others that this process has open."""
        return len(self._open)

    def die(self) -> None:
        """The process ends: what it made goes, what it had open is closed."""
        for path, _ in self._made.values():
            path.unlink()
        for path, _ in self._open.values():
            self._mark(path).unlink()
        self._made, self._open = {}, {}

    def cuInit(self, flags: ctypes.c_uint) -> int:
        assert isinstance(flags, ctypes.c_uint)
        self._is_on = True
        return 0

    def cuGetErrorString(self, code: ctypes.c_int, text) -> int:
        assert isinstance(code, ctypes.c_int)
        text._obj.value = b"what the driver says"
        return 0

    def cuDeviceGetCount(self, count) -> int:
        count._obj.value = 1
        return self._ready()

    def cuDeviceGet(self, device, number: ctypes.c_int) -> int:
        assert isinstance(number, ctypes.c_int)
        device._obj.value = 0
        return self._ready() or (0 if number.value == 0 else 101)

    def cuDeviceGetName(self, name, size: ctypes.c_int, device: ctypes.c_int) -> int:
        assert len(name) >= size.value > len(self._name)
        name.value = self._name.encode()
        return self._ready()

    def cuDeviceGetUuid_v2(self, uuid, device: ctypes.c_int) -> int:
        uuid._obj[:] = self._uuid
        return self._ready()

    def cuDeviceGetAttribute(self, answer, attribute: ctypes.c_int, device: ctypes.c_int) -> int:
        assert attribute.value == 125, "interprocess events"
        answer._obj.value = int(self._shares)
        return self._ready()

    def cuCtxGetCurrent(self, context) -> int:
        context._obj.value = self._stack[-1] if self._stack else None
        return self._ready()

    def cuCtxGetDevice(self, device) -> int:
        device._obj.value = 0
        return self._ready() or self._within()

    def cuDevicePrimaryCtxRetain(self, context, device: ctypes.c_int) -> int:
        context._obj.value = 77
        return self._ready()

    def cuCtxPushCurrent_v2(self, context: ctypes.c_void_p) -> int:
        assert isinstance(context, ctypes.c_void_p)
        assert context.value
        self._stack.append(context.value)
        return 0

    def cuCtxPopCurrent_v2(self, context) -> int:
        context._obj.value = self._stack.pop()
        return 0

    def cuMemAlloc_v2(self, address, size: ctypes.c_size_t) -> int:
        if code := self._within():
            return code
        path = self._folder / f"memory-{self._me}-{next(_numbers)}"
        with path.open("wb") as file:
            file.truncate(size.value)
        address._obj.value = self._map(path, self._made)
        return 0

    def cuMemFree_v2(self, address: ctypes.c_uint64) -> int:
        if code := self._within():
            return code
        if address.value not in self._made:
            return INVALID_VALUE
        path, _ = self._made[address.value]
        assert not self._users(path), "memory is freed that another process has open"
        del self._made[address.value]
        path.unlink()
        return 0

    def cuIpcGetMemHandle(self, handle, address: ctypes.c_uint64) -> int:
        if address.value not in self._made:
            return INVALID_VALUE
        name = self._made[address.value][0].name.encode().ljust(64, b"\0")
        assert len(name) == 64
        handle._obj.reserved[:] = name
        return self._within()

    def cuIpcOpenMemHandle_v2(self, address, handle: ctypes.Structure, flags: ctypes.c_uint) -> int:
        assert isinstance(handle, ctypes.Structure)
        assert ctypes.sizeof(handle) == 64
        assert flags.value == 1
        if code := self._within():
            return code
        path = self._folder / bytes(handle).rstrip(b"\0").decode()
        if any(path == made for made, _ in self._made.values()):
            return INVALID_CONTEXT
        if any(path == opened for opened, _ in self._open.values()):
            return ALREADY_MAPPED
        if not path.is_file():
            return INVALID_VALUE
        self._mark(path).touch()
        address._obj.value = self._map(path, self._open)
        return 0

    def cuIpcCloseMemHandle(self, address: ctypes.c_uint64) -> int:
        if address.value not in self._open:
            return INVALID_VALUE
        path, _ = self._open.pop(address.value)
        self._mark(path).unlink()
        return self._within()

    def cuCtxSynchronize(self) -> int:
        self.waited += 1
        return self._within() or self.fails

    def cuStreamSynchronize(self, stream: ctypes.c_void_p) -> int:
        assert isinstance(stream, ctypes.c_void_p)
        self.waited += 1
        return self._within() or self.fails

    def cuMemcpyDtoH_v2(self, to, address: ctypes.c_uint64, size: ctypes.c_size_t) -> int:
        for base, (_, memory) in {**self._made, **self._open}.items():
            if base <= address.value and address.value + size.value <= base + len(memory):
                ctypes.memmove(ctypes.addressof(to._obj), address.value, size.value)
                return self._within()
        return ILLEGAL_ADDRESS

    def _ready(self) -> int:
        return 0 if self._is_on else NOT_INITIALISED

    def _within(self) -> int:
        return self._ready() or (0 if self._stack else INVALID_CONTEXT)

    def _map(self, path: Path, into: dict[int, tuple[Path, mmap.mmap]]) -> int:
        with path.open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        into[address] = path, memory
        return address

    def _mark(self, path: Path) -> Path:
        return path.with_name(f"open-{self._me}-{path.name}")

    def _users(self, path: Path) -> list[str]:
        """Living processes that have it open."""
        marks = [mark.name.split("-")[1] for mark in self._folder.glob(f"open-*-{path.name}")]
        return [user for user in marks if _lives(int(user.split(".")[0]))]


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
