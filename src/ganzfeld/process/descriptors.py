"""How many files and connections this process may have open at once."""

from __future__ import annotations

import contextlib

WANTED = 8192


def make_room() -> None:
    """Ask the system for enough descriptors: many systems give 256 or 1024 at first, and more to who asks."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
