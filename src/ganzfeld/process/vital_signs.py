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
        self.share = 0.0
        """Of a processor, what it has used since the first look of this silence."""

    def begin(self) -> None:
        """It made a sign: its silence begins anew."""
        self._since, self.share = None, 0.0

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
        self.share = (used - before) / max(now - began, 0.01)
        return "idle" if self.share <= IDLE_SHARE and now - began >= 1.0 else "busy"
