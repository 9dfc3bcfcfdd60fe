"""How long a take has been recorded, and how large its file is."""

from __future__ import annotations

import time
from pathlib import Path

from ganzfeld.values.status import TakeStatus

LOOK_SECONDS = 0.5


class TakeWatch:
    """Looks at the file of a take, on the thread that may wait for disks; `status` may be read by any."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._began, self._due = path, time.monotonic(), 0.0
        self.status = TakeStatus(name=path.name) if path is not None else None

    def look(self, now: float) -> None:
        """Once in a while. now: of a steady clock."""
        if self._path is None or now < self._due:
            return
        self._due = now + LOOK_SECONDS
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        self.status = TakeStatus(name=self._path.name, seconds=round(time.monotonic() - self._began, 1), size=size)
