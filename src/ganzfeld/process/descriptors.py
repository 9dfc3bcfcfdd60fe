"""The descriptors of this process: how many it may have, and who gets them."""

from __future__ import annotations

import contextlib
import os

WANTED = 8192
FIRST, MOST_INHERITED = 3, 256


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


def keep_from_programs() -> None:
    """What this process was started with is not for programs that it starts or becomes: one that held the pipe to the
    supervisor would look like a render process that lives."""
    if os.name == "nt":
        return  # nothing is inherited there unless it is named
    for descriptor in range(FIRST, MOST_INHERITED):
        with contextlib.suppress(OSError):
            os.set_inheritable(descriptor, False)
