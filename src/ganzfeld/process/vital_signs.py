"""Whether a process that makes no frames is busy, stopped, gets no processor time, or has ended."""

from __future__ import annotations

from typing import Literal

import psutil

Condition = Literal["busy", "stopped", "idle", "ended"]

IDLE_SHARE = 0.02
"""Of a processor: what a process takes whose threads only look at the clock."""


class VitalSigns:
    """Looks at one process while it is silent."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._since: tuple[float, float] | None = None

    def begin(self) -> None:
        """It made a sign: its silence begins anew."""
        self._since = None

    def look(self, now: float) -> Condition:
        """How it is. "stopped": by a signal or a debugger. "ended": only a copy of it still holds its pipe. "idle":
        it has used no processor time since the first look of this silence, which was a while ago."""
        try:
            process = psutil.Process(self._pid)
            status = process.status()
            if status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP):
                return "stopped"
            if status == psutil.STATUS_ZOMBIE:
                return "ended"
            times = process.cpu_times()
        except psutil.Error:
            return "busy"  # it has just ended, or may not be looked at
        used = times.user + times.system
        if self._since is None:
            self._since = now, used
            return "busy"
        began, before = self._since
        return "idle" if used - before <= IDLE_SHARE * (now - began) and now - began >= 1.0 else "busy"
