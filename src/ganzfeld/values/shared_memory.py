"""Named shared memory that ends when the show ends: neither early nor never.

`multiprocessing.shared_memory` has three habits that a show cannot live with:

- Before Python 3.13 it hands every block that a process *attaches* to that process's resource tracker, which
  removes the block when the process ends: a viewer that closes would pull the picture from under everybody else.
  Here only the maker's family (a process and those it spawned share one tracker) tracks a block; readers never do.
- `close` refuses while a numpy view is alive. Here the memory is let go and unmapped when the last view dies.
- `unlink` of a block that is already gone leaves the tracker with a wrong note. Here it does not.

On Linux, others may remove names while a show runs (systemd does when a user has logged out, `RemoveIPC`). What is
attached plays on; who attaches later, such as a render process that takes over, finds the block at its parent, which
holds it.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
import threading
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

try:
    import resource
except ImportError:  # Windows limits no files
    resource = None

_attaching = threading.Lock()
_made: set[str] = set()
"""The names that this process made and has not removed."""


class MemorySegment:
    """A block of shared memory by name; made if `size` (bytes) is given, attached to otherwise.

    Raises FileExistsError (made twice), FileNotFoundError (nothing to attach to) or another OSError (no memory left).
    A new block is all zeros.
    Names must be short (macOS allows 30 characters).
    """

    def __init__(self, name: str, size: int | None = None) -> None:
        self.name = name
        if size is not None:
            self._memory: _Memory | _NamelessMemory = _make(name, size)
            return
        try:
            self._memory = _attach(name)
        except FileNotFoundError:
            if (descriptor := _held_by_a_relative(name)) is None:
                raise
            self._memory = _NamelessMemory(descriptor)

    @property
    def buffer(self) -> memoryview:
        """The block's bytes; may be longer than asked for (whole pages)."""
        buffer = self._memory.buf
        assert buffer is not None, "closed"
        return buffer

    def close(self) -> None:
        """Let go of the block in this process. Views that are still held stay readable until they are dropped."""
        self._memory.close()


class _Memory(SharedMemory):
    """Can be closed and collected while a view of it is still held, which raises BufferError otherwise."""

    def close(self) -> None:
        try:
            super().close()
        except BufferError:
            # Drop our references, so that the mapping dies with the last view.
            self._buf = None
            self._mmap = None
            super().close()


class _NamelessMemory:
    """A block whose name somebody removed, by a descriptor of it."""

    def __init__(self, descriptor: int) -> None:
        try:
            self._mmap = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)
        self.buf: memoryview | None = memoryview(self._mmap)

    def close(self) -> None:
        """Let go of it; the mapping dies with the last view."""
        self.buf = None
        with contextlib.suppress(BufferError):
            self._mmap.close()


def _held_by_a_relative(name: str) -> int | None:
    """A descriptor of the block that had this name, if this process or its parent holds it."""
    if sys.platform != "linux":
        return None
    for process in (os.getpid(), os.getppid()):
        with contextlib.suppress(OSError):
            for held in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(held.readlink()) == f"/dev/shm/{name} (deleted)":
                        return os.open(held, os.O_RDWR)
    return None


def has_name(name: str) -> bool:
    """Whether anybody who attaches by this name would find a block."""
    try:
        _attach(name).close()
    except FileNotFoundError:
        return False
    return True


def unlink(name: str) -> bool:
    """Remove the block's name; memory goes when the last process closes it. False if there was none.

    To be called in the maker's family of processes. (Windows removes a block with its last handle: nothing to do.)
    """
    try:
        memory = _attach(name)
    except FileNotFoundError:
        if os.name == "posix":
            import _posixshmem

            with contextlib.suppress(FileNotFoundError):  # one without memory is there all the same
                _posixshmem.shm_unlink(f"/{name}")  # pyright: ignore[reportAttributeAccessIssue]
        if name in _made:
            _made.discard(name)
            resource_tracker.register(f"/{name}", "shared_memory")  # as below
            resource_tracker.unregister(f"/{name}", "shared_memory")
        return False
    _made.discard(name)
    tracked_name: str = memory._name  # pyright: ignore[reportAttributeAccessIssue]
    with contextlib.suppress(FileNotFoundError):
        if os.name == "posix":  # the tracker that was told is gone, if somebody killed it; another knows nothing
            resource_tracker.register(tracked_name, "shared_memory")
        memory.unlink()
        if os.name == "posix" and sys.version_info >= (3, 13):  # an untracked block does not tell the tracker
            resource_tracker.unregister(tracked_name, "shared_memory")
    memory.close()
    return True


def remove_made() -> None:
    """Remove every block that this process made: a show that could not begin leaves none behind."""
    for name in list(_made):
        unlink(name)


def _make(name: str, size: int) -> _Memory:
    if resource is not None and 0 <= resource.getrlimit(resource.RLIMIT_FSIZE)[0] < size:
        # Python would give a block of the wrong size up in a way that its resource tracker stumbles over, each time.
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    memory = _Memory(name=name, create=True, size=size)
    if hasattr(os, "posix_fallocate"):
        # Linux gives memory on the first write and kills the process if there is none: better to know now.
        try:
            os.posix_fallocate(memory._fd, 0, size)  # pyright: ignore[reportAttributeAccessIssue]
        except OSError:
            memory.unlink()
            memory.close()
            raise
    _made.add(name)
    return memory


def _attach(name: str) -> _Memory:
    """Attach without telling the resource tracker. Raises FileNotFoundError, also for a block without any memory, whose
    maker has just begun or was killed then."""
    try:
        return _attached(name)
    except ValueError as error:
        raise FileNotFoundError(errno.ENOENT, f"{name}: {error}") from None


def _attached(name: str) -> _Memory:
    if sys.version_info >= (3, 13):
        return _Memory(name=name, track=False)
    with _attaching:
        register = resource_tracker.register

        def register_others(tracked_name: str, kind: str) -> None:
            if kind != "shared_memory" or tracked_name.lstrip("/") != name:
                register(tracked_name, kind)

        resource_tracker.register = register_others
        try:
            return _Memory(name=name)
        finally:
            resource_tracker.register = register
