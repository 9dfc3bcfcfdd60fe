"""Limits that a child puts on itself before it opens a stranger's file.

What the system cannot limit, the parent watches (`process.py`).
"""

from __future__ import annotations

import contextlib
import ctypes
import platform
import struct
import sys
from typing import Any

from ganzfeld.feeders.base import Limits

_DENIED = {
    # Calls that start programs, reach other processes or change files. From Linux's tables of system calls.
    "x86_64": (57, 58, 59, 62, 76, 82, 83, 84, 86, 87, 88, 90, 92, 101, 165, 258, 263, 264, 265, 266, 268, 311, 316,
               321, 322, 425),
    "aarch64": (34, 35, 36, 37, 38, 40, 45, 53, 117, 129, 221, 271, 276, 280, 281, 425),
}  # fmt: skip
_SOCKETS = {"x86_64": (41, 42, 53), "aarch64": (198, 199, 203)}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE_THREAD = 0x10000
_EPERM, _ENOSYS = 1, 38


def confine(limits: Limits) -> None:
    """Limit this process: memory, no file written, no core dump, no other process, no socket (unless it may)."""
    _set("RLIMIT_FSIZE", 0)
    _set("RLIMIT_CORE", 0)
    # Private memory alone: addresses are reserved in plenty by libraries, and shared memory is the parent's.
    _set("RLIMIT_DATA", limits.memory)
    if sys.platform == "darwin":
        _set("RLIMIT_NPROC", 0)  # elsewhere it counts threads, and all of a person's
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            _filter_calls(limits.network)


def allow_cpu(seconds: int) -> None:
    """Let this process take so many seconds of processor time more, all threads together; then the system ends it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _set(name: str, most: int) -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        resource.setrlimit(getattr(resource, name), (most, most))


def _filter_calls(network: bool) -> None:
    """Let Linux refuse system calls that no decoder needs (seccomp, mode 2: a program of the BPF machine)."""
    machine = platform.machine()
    if machine not in _ARCHITECTURE:
        return
    denied = _DENIED[machine] + (() if network else _SOCKETS[machine])
    load, equal, at_least, bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000
    # Places in what the kernel shows of a call: 0 its number, 4 the architecture, 16 the first argument.
    program: list[tuple[int, int, int, int]] = [
        (load, 0, 0, 4),
        (equal, 1, 0, _ARCHITECTURE[machine]),
        (give, 0, 0, refuse | _EPERM),
        (load, 0, 0, 0),
        (at_least, 0, 1, 0x40000000),  # the same calls under other numbers
        (give, 0, 0, refuse | _EPERM),
        (equal, 0, 1, _CLONE3),
        (give, 0, 0, refuse | _ENOSYS),  # the C library falls back to clone, whose flags can be looked at
    ]
    for number in denied:
        program += [(equal, 0, 1, number), (give, 0, 0, refuse | _EPERM)]
    program += [
        (equal, 0, 3, _CLONE[machine]),
        (load, 0, 0, 16),
        (bits, 1, 0, _CLONE_THREAD),
        (give, 0, 0, refuse | _EPERM),
        (give, 0, 0, allow),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    library: Any = ctypes.CDLL(None, use_errno=True)
    set_no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    if library.prctl(set_no_new_privileges, 1, 0, 0, 0) or library.prctl(set_seccomp, by_filter, header, 0, 0):
        raise OSError(ctypes.get_errno(), "system calls cannot be filtered")
