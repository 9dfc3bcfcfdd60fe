"""A take beside a show, as the terminal sees it."""

from __future__ import annotations

import time
from pathlib import Path

from ganzfeld.atomic_write import is_taken
from ganzfeld.errors import GanzfeldError, Where


class TakeFile:
    """The file of a take that is about to be recorded. Raises GanzfeldError if it is there already, or no take's."""

    def __init__(self, path: Path, *, again: bool = False) -> None:
        """again: of a show that is started again, which finds what it wrote: the next free name is taken."""
        from ganzfeld.process.take_watch import free_take
        from ganzfeld.takes.file import SUFFIX

        where = Where(file=str(path))
        if path.suffix.lower() != SUFFIX:
            hint = f"For example: --take {path.with_suffix(SUFFIX)}"
            raise GanzfeldError(f"a take's name ends in {SUFFIX}", where=where, hint=hint)
        if again:
            path = free_take(path)
        if is_taken(path):
            raise GanzfeldError("there is such a take already", where=where, hint="Choose another name")
        if not path.absolute().parent.is_dir():
            raise GanzfeldError(f"there is no folder {path.absolute().parent}", where=where, hint="Make it first")
        self.path = path
        self._began = time.monotonic()

    def told(self) -> str:
        """How large it has become."""
        try:
            megabytes = self.path.stat().st_size / 1e6
        except OSError:
            return f"nothing was recorded in {self.path}"
        hours = max(time.monotonic() - self._began, 1.0) / 3600
        return f"{self.path}: {megabytes:.2f} MB, {megabytes / hours:.1f} MB an hour"
