"""How long a take has been recorded, and how large its file is."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

from ganzfeld.atomic_write import is_taken
from ganzfeld.errors import GanzfeldError, explained
from ganzfeld.values.status import TakeStatus

LOOK_SECONDS = 0.5


class TakeWatch:
    """Looks at the file of a take, on the thread that may wait for disks; `status` may be read by any."""

    def __init__(self, path: Path | None) -> None:
        self.status: TakeStatus | None = None
        self.follow(path)

    def follow(self, path: Path | None) -> None:
        """Another take is recorded from now on, or none. Any thread."""
        self._path, self._began, self._due = path, time.monotonic(), 0.0
        self.status = _status(path, 0.0, 0) if path is not None else None

    def look(self, now: float) -> None:
        """Once in a while. now: of a steady clock."""
        path = self._path
        if path is None or now < self._due:
            return
        self._due = now + LOOK_SECONDS
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        status = _status(path, round(time.monotonic() - self._began, 1), size)
        if path == self._path:
            self.status = status


def free_take(path: Path) -> Path:
    """This path, or, if there is such a file, the first free one of "night-2.ganztake", "night-3.ganztake", … Raises
    GanzfeldError for a name that no file can have, and for a place that cannot be looked at."""
    numbers = count(2)
    free = path
    try:
        while is_taken(free):
            free = path.with_stem(f"{path.stem}-{next(numbers)}")
    except (OSError, ValueError) as error:
        what, hint = explained(error)
        raise GanzfeldError(f"no take can be recorded in {path.name[:60]}: {what}", hint=hint) from None
    return free


def _status(path: Path, seconds: float, size: int) -> TakeStatus:
    return TakeStatus(name=path.name, path=str(path.absolute()), seconds=seconds, size=size)
