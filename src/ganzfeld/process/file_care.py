"""What a supervisor does with files while a show runs, on a thread of its own: a disk that does not answer holds up no
frame and no restart.

It follows the files that the patch asks for, those that are set aside and those that the render process is just at;
writes the snapshots; and keeps the show where that is wanted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ganzfeld.patch.media.script_modules import files_beside
from ganzfeld.process.custody import Custody
from ganzfeld.process.kept_show import KeptShow, ShowKeeper
from ganzfeld.process.show_files import ShowFiles
from ganzfeld.process.take_watch import TakeWatch
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.values.hazards import HazardBoard, stamp_of

log = logging.getLogger(__name__)
said = RepeatedLog(log)

LOOK_SECONDS = 0.05
COPIES = 2
"""Of a network: the one that plays, and the one before."""
AT_SECONDS = 1.0
"""How long the render process has to be at a file before that is followed."""


class FileCare:
    """custody: the files that are set aside.

    changed: is told of a file that is to be tried again. show: what is to be kept; keep_in: the file to keep it in, or
    None. also: is called several times a second with the time (perf_counter), and writes what it has to write. take:
    the file of the take that is recorded.
    """

    def __init__(
        self,
        files: ShowFiles,
        hazards: HazardBoard,
        *,
        changed: Callable[[str], None],
        show: Callable[[], KeptShow | None],
        keep_in: Path | None,
        also: Callable[[float], None],
        take: Path | None = None,
    ) -> None:
        self._asked: tuple[str, ...] = ()
        self._read: dict[str, int] = {}
        self._parts: dict[str, str] = {}
        self._suspects: frozenset[str] = frozenset()
        self._suspects_parts: dict[str, str] = {}
        self.custody = Custody()
        self.take = TakeWatch(take)
        self._copies: dict[str, list[str]] = {}
        self._files, self._hazards, self._changed, self._show, self._also = files, hazards, changed, show, also
        self._keeper = ShowKeeper(keep_in) if keep_in is not None else None
        self._watched: frozenset[str] = frozenset()
        self._over = False
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ganzfeld-files", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def keeps(self, copies: Mapping[str, str]) -> None:
        """These copies of networks play, by the networks' paths."""
        for path, copy in copies.items():
            known = self._copies.setdefault(path, [])
            if copy not in known[-1:]:
                known.append(copy)
                del known[:-COPIES]

    @property
    def kept(self) -> dict[str, str]:
        """The copy to play of each network that cannot be opened: the last that played, or of a network that is set
        aside the one before."""
        aside = self.custody.files
        return {path: copies[-2 if path in aside and len(copies) > 1 else -1] for path, copies in self._copies.items()}

    def ask_for(self, files: tuple[str, ...], stamps: Mapping[str, int], parts: Mapping[str, str] = {}) -> None:
        """The patch asks for these files from now on. stamps: of the versions that it has read. parts: which of them
        are a part of another one."""
        self._asked, self._read, self._parts = files, dict(stamps), dict(parts)
        self._news.set()

    def whole_of(self, path: str) -> str:
        """The file that this one is a part of; itself if it is none."""
        return self._parts.get(path) or self._suspects_parts.get(path) or path

    def close(self) -> None:
        """No longer; what is to be written is written by `ShowFiles.close`."""
        self._over = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._over:
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            try:
                self._look(time.perf_counter())
            except Exception:
                said.exception("the files could not be looked after")
                time.sleep(0.5)

    def _look(self, now: float) -> None:
        self._files.write_soon()
        self.take.look(now)
        self._also(now)
        for path in self.custody.due(now):
            self._changed(path)
        at = {hazard.path: hazard.stamp for hazard in self._hazards.standing() if hazard.seconds > AT_SECONDS}
        self._suspect(frozenset((*self.custody.files, *at)))
        wanted = frozenset((*self._asked, *self.custody.files, *at, *self._suspects_parts))
        if wanted != self._watched:
            new, self._watched = wanted - self._watched, wanted
            self._files.watch(sorted(wanted))
            read = {**self._read, **at}
            for path in new:  # it may have changed between when it was read and now
                if path in read and stamp_of(path) != read[path]:
                    self._changed(path)
        if self._keeper is not None:
            self._keeper.look(self._show(), now)

    def _suspect(self, files: frozenset[str]) -> None:
        """Know the modules of scripts that are set aside, or hang: no process tells of them, because none has run the
        script."""
        if files != self._suspects:
            self._suspects = files
            scripts = [path for path in files if path.endswith(".py")]
            self._suspects_parts = {str(part): path for path in scripts for part in files_beside(Path(path))}
