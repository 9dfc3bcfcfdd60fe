"""Whether another process lives."""

from __future__ import annotations

import sys
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether the process of this number goes on. One that has ended and that its parent has not asked about yet (a
    zombie) does not. (On Linux a feeder may not ask by a signal.)"""
    if pid <= 0:
        return False
    if sys.platform == "linux":
        try:
            state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1]
        except OSError:
            return not Path("/proc/self").exists()  # then nobody knows
        return state not in ([b"Z"], [b"X"])
    import psutil

    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return psutil.pid_exists(pid)
