"""The C library's memory: given back to the system, where it would grow with every patch that was built.

Objects do not grow from patch to patch, but the heap may: what two threads allocate and free in turn lies in arenas (by
default eight for each core) whose ends are held by something small. Two arenas, and trimming them when patches have
gone, bound that. Only glibc has these; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

_M_ARENA_MAX = -8
MOST_ARENAS = 2


@functools.cache
def _library() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None)
        library.malloc_trim.argtypes, library.malloc_trim.restype = [ctypes.c_size_t], ctypes.c_int
        library.mallopt.argtypes, library.mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    except (OSError, AttributeError):  # another C library
        return None
    return library


def limit_arenas() -> None:
    """Use few arenas. To be called before there are threads."""
    library = _library()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, MOST_ARENAS)


def trim() -> None:
    """Give free memory back to the system: takes a few milliseconds, and others who allocate may wait for it."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)
