"""Files that killed or hung a render process. Each is set aside by itself until it changes, so that all the rest plays
on. Plain bookkeeping: times are seconds of any steady clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ganzfeld.backoff import Backoff
from ganzfeld.values.hazards import Hazard, stamp_of
from ganzfeld.values.status import Problem

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0
"""Seconds before a file that could not be opened is tried again though it has not changed: the disk that it is on may
answer again."""
CALM_SECONDS = 10.0
MOST_CHANGES = 100
UNKNOWN = 0
"""The stamp of a version that nobody knows: only the file's watcher tells when there is another."""
LOOK_SECONDS = 0.5
"""How often the files are looked at, beside what their watcher says."""


@dataclass(slots=True)
class _FileInCustody:
    why: str
    stamp: int
    again: float | None


class Custody:
    """The files that are set aside. Any thread may call; only `changed` and `due` look at files, which may take long.

    stamp: tells apart versions of a file.
    """

    def __init__(self, stamp: Callable[[str], int] = stamp_of) -> None:
        self._stamp = stamp
        self._files: dict[str, _FileInCustody] = {}
        self._pauses: dict[str, Backoff] = {}
        self._looked_at = 0.0
        self._changes: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def files(self) -> tuple[str, ...]:
        """Their paths."""
        with self._lock:
            return tuple(self._files)

    def blame(self, standing: Iterable[Hazard], how: str, now: float) -> str:
        """A process ended while these hazards stood, the newest first. Sets aside the file that it was at; its path, or
        "" if it was at none that is not set aside yet. how: the end in words."""
        with self._lock:
            for hazard in sorted(
                standing, key=lambda hazard: not hazard.waited_for
            ):  # what frames wait for comes first
                if hazard.path in self._files:
                    continue
                again = None
                if hazard.kind == "opening":
                    again = now + self._pauses.setdefault(hazard.path, Backoff(FIRST_PAUSE, LONGEST_PAUSE)).pause()
                self._files[hazard.path] = _FileInCustody(f"ended the render process ({how})", hazard.stamp, again)
                log.warning("%s is set aside: it ended the render process (%s)", hazard.path, how)
                return hazard.path
        return ""

    def noticed(self, path: str, now: float) -> None:
        """A file that plays has changed."""
        with self._lock:
            self._changes.pop(path, None)
            self._changes[path] = now
            if len(self._changes) > MOST_CHANGES:
                del self._changes[next(iter(self._changes))]

    def calm(self, now: float) -> None:
        """Everything has played well for a while: what changed before that is above suspicion."""
        with self._lock:
            self._changes = {path: at for path, at in self._changes.items() if at > now - CALM_SECONDS}

    def suspect(self, how: str) -> str:
        """Processes end again and again, at no file. Sets aside the one that changed last since all was well; its path,
        or "" if there is none."""
        with self._lock:
            for path in reversed(self._changes):
                if path not in self._files:
                    self._files[path] = _FileInCustody(f"ended the render process ({how})", UNKNOWN, None)
                    log.warning("%s is set aside: the render process ends since it has changed (%s)", path, how)
                    return path
        return ""

    def told(self, files: Mapping[str, tuple[str, int]]) -> None:
        """The process that plays has set these files aside itself: what each did, and the stamp of its version."""
        with self._lock:
            for path, (why, stamp) in files.items():
                self._files.setdefault(path, _FileInCustody(why, stamp, None))

    def changed(self, path: str, *, in_part: bool = False) -> bool:
        """A file has changed, says its watcher: it is tried again. False: it is still what was set aside. in_part: what
        changed is another file that is a part of it."""
        with self._lock:
            kept = self._files.get(path)
        if kept is not None and not in_part and kept.again is None and kept.stamp and self._stamp(path) == kept.stamp:
            return False
        with self._lock:
            self._files.pop(path, None)
            self._pauses.pop(path, None)
        return True

    def due(self, now: float) -> list[str]:
        """Files that are to be tried again now, which are set aside no more: those that are others than they were, and
        those whose pause is over. To be called often."""
        if now - self._looked_at < LOOK_SECONDS:
            return []
        self._looked_at = now
        with self._lock:
            kept = dict(self._files)
        free = []
        for path, each in kept.items():
            # An opening that hangs would hang us, too; its watcher says when it changes.
            if each.again is not None:
                if now >= each.again:
                    free.append(path)
                continue
            if each.stamp != UNKNOWN and self._stamp(path) not in (each.stamp, 0):
                free.append(path)
        with self._lock:
            for path in free:
                self._files.pop(path, None)
                if kept[path].again is None:
                    self._pauses.pop(path, None)
        return free

    def for_begin(self) -> dict[str, str]:
        """What a process that begins is told: the paths, and what the files did."""
        with self._lock:
            return {path: kept.why for path, kept in self._files.items()}

    def problems(self) -> list[Problem]:
        """What to say about them."""
        hint = "What it showed last stays and the rest plays; it is tried again when it changes"
        return [
            Problem(f"{Path(path).name} {why} and is set aside", hint, file=path)
            for path, why in self.for_begin().items()
            if why.startswith("ended")
        ]
