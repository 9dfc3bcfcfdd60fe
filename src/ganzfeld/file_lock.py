"""A file as a lock between processes: it is given back when its process ends, however that ends."""

from __future__ import annotations

import errno
import os

TAKEN = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})
"""What a system says of a lock that another process has."""


def locked(file: int) -> bool:
    """Whether this process has the open file for itself, now and until it is closed. Does not wait. Raises OSError
    where the disk has no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True
