"""What a process does just now with files of others that may kill or hang it: opening them, running a script.

Each such act is a *hazard*, written down before it begins and crossed out when it is over. The list is in shared
memory, so whoever finds the process dead or silent knows at which file it was (`HazardBoard.standing`): that file is
set aside, and the rest of the show plays on. In a process that plays alone the list is its own.

A hazard has a patience. What never returns is stopped by an exception thrown into its thread; what does not hear that
holds the process up until somebody ends it.

Layout (words of 8 bytes): 0 progress; 1 pulse; row r at word 8 + r·(8 + 512): number (0: free), kind, stamp, patience
in milliseconds, when it began in microseconds of `perf_counter`, whether frames wait for it, bytes in the path, –,
path.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ganzfeld.plain_file import version_of
from ganzfeld.values.shared_memory import MemorySegment, unlink

log = logging.getLogger(__name__)

Result = TypeVar("Result")

KINDS = ("opening", "loading", "running")
"""opening: a file is read and understood. loading: a script's file is run. running: a script makes its part of a frame.
"""
MOST_ROWS = 32
LONGEST_PATH = 4096
LOOK_SECONDS = 0.1
QUIET_SECONDS = 2.0
"""Without any hazard, after which the watchdog ends: whoever makes many engines would keep a thread for each."""
STOPS_WITHIN = 1.0
"""Seconds after an exception was thrown into a hazard, when it is clear that it does not hear that."""
MENDED_STOPS_WITHIN = 0.4
"""The same, where the file has changed meanwhile: somebody waits for it."""
_ROW, _HEAD = 8 + LONGEST_PATH // 8, 8
_NUMBER, _KIND, _STAMP, _PATIENCE, _BEGAN, _WAITED_FOR, _BYTES = range(7)


class NeverReturned(BaseException):
    """Thrown into the thread of a hazard that has used up its patience."""


@dataclass(slots=True, eq=False)
class Hazard:
    """kind: one of `KINDS`. path: of the file. stamp: tells apart versions of the file (see `stamp_of`). patience: how
    many seconds it may take. waited_for: whether frames wait for it. thread: the one that it runs on, `threading`'s
    number. mended: somebody changed the file meanwhile, or plays something else: it need not end by itself any more."""

    kind: str
    path: str
    stamp: int
    patience: float
    waited_for: bool = False
    thread: int = 0
    began: float = 0.0
    mended: bool = False
    thrown: float = 0.0
    row: int | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.began


def stamp_of(path: str | os.PathLike[str]) -> int:
    """A number that is another one when the file has changed; 0 while there is none."""
    try:
        return hash(version_of(Path(path).stat())) & (1 << 63) - 1 or 1
    except (OSError, ValueError):
        return 0


class HazardBoard:
    """The list in shared memory. create: make it (the supervisor); else attach to it (the render process)."""

    def __init__(self, session: str, *, create: bool = False) -> None:
        self.name = f"{session}-hazards"
        self._segment = MemorySegment(self.name, 8 * (8 + MOST_ROWS * _ROW) if create else None)
        self.words = self._segment.buffer.cast("Q")

    @property
    def progress(self) -> int:
        """Grows whenever a hazard begins or is over, and with every step of building a patch."""
        return self.words[0]

    @property
    def pulse(self) -> int:
        """Grows several times a second while there is a hazard and any thread of the process can run Python."""
        return self.words[1]

    def beat(self) -> None:
        """A thread of the process runs Python."""
        with contextlib.suppress(ValueError):  # the board has just been closed
            self.words[1] += 1

    def standing(self) -> list[Hazard]:
        """The hazards that are not over, the newest first; what the process was doing when it died."""
        found = []
        for row in range(MOST_ROWS):
            place = _HEAD + row * _ROW
            number = self.words[place + _NUMBER]
            if number:
                start = 8 * (place + 8)
                path = bytes(self._segment.buffer[start : start + self.words[place + _BYTES]]).decode(
                    "utf-8", "replace"
                )
                kind = KINDS[self.words[place + _KIND] % len(KINDS)]
                hazard = Hazard(kind, path, self.words[place + _STAMP], self.words[place + _PATIENCE] / 1000)
                hazard.waited_for = bool(self.words[place + _WAITED_FOR])
                hazard.began = self.words[place + _BEGAN] / 1e6
                found.append((number, hazard))
        return [hazard for _, hazard in sorted(found, key=lambda pair: -pair[0])]

    def clear(self) -> None:
        """Forget what a process that has ended left behind."""
        for row in range(MOST_ROWS):
            self.words[_HEAD + row * _ROW] = 0

    def write(self, row: int, number: int, hazard: Hazard) -> None:
        """Write a hazard down; its number last, which makes it count."""
        place = _HEAD + row * _ROW
        name = hazard.path.encode("utf-8", "replace")[:LONGEST_PATH]
        start = 8 * (place + 8)
        self._segment.buffer[start : start + len(name)] = name
        words = self.words
        words[place + _KIND] = KINDS.index(hazard.kind)
        words[place + _STAMP], words[place + _PATIENCE] = hazard.stamp, int(1000 * hazard.patience)
        words[place + _BEGAN], words[place + _WAITED_FOR] = int(1e6 * hazard.began), int(hazard.waited_for)
        words[place + _BYTES] = len(name)
        words[place + _NUMBER] = number
        words[0] += 1

    def erase(self, row: int) -> None:
        """A hazard is over."""
        self.words[_HEAD + row * _ROW] = 0
        self.words[0] += 1

    def step(self) -> None:
        """Something made progress."""
        self.words[0] += 1

    def close(self) -> None:
        """Let go of the memory."""
        self.words.release()
        self._segment.close()

    def remove(self) -> None:
        """Let go of the memory and remove it: for whoever made it."""
        unlink(self.name)
        self.close()


class Hazards:
    """The hazards of this process. Any thread may call.

    board: where they are written down, too. give_up: called by the watchdog's thread with a hazard that frames wait for
    and that does not end when an exception is thrown into it; None: nothing can be done.
    """

    def __init__(self, board: HazardBoard | None = None, give_up: Callable[[Hazard], None] | None = None) -> None:
        self._board, self._give_up = board, give_up
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._standing: dict[int, Hazard] = {}
        self._rows = list(range(MOST_ROWS))
        self._watchdog: threading.Thread | None = None
        self.frames_on = threading.get_ident()
        """The thread that makes frames."""
        self.stopped: dict[str, int] = {}
        """The files at which something was stopped, and which version of each it was (see `stamp_of`)."""
        self.steps = 0
        """As `HazardBoard.progress`, of this process."""

    @property
    def is_mended(self) -> bool:
        """Whether a file at which something was stopped has changed since."""
        return any(stamp_of(path) != stamp for path, stamp in self.stopped.items())

    def step(self) -> None:
        """Building a patch has come a step further."""
        self.steps += 1
        if self._board is not None:
            self._board.step()

    def run(self, kind: str, path: str | os.PathLike[str], patience: float, act: Callable[[], Result]) -> Result:
        """What `act` returns or raises. Raises `NeverReturned` in an act of Python's that takes longer than its
        patience of seconds. A copy of this process that a script forked does not return from here: it would go on as
        if it were the show."""
        process = os.getpid()
        hazard = Hazard(kind, os.fspath(path), stamp_of(path), patience)
        hazard.thread = threading.get_ident()
        hazard.waited_for = hazard.thread == self.frames_on
        hazard.began = time.perf_counter()
        try:
            self._enter(hazard)
            return act()
        finally:
            if os.getpid() != process:
                os._exit(0)
            # The exception may come as late as in here.
            while hazard.thread:
                try:
                    self._leave(hazard)
                except NeverReturned:
                    continue

    def standing(self) -> list[Hazard]:
        """Those that are not over."""
        with self._lock:
            return list(self._standing.values())

    def mended(self, path: str | os.PathLike[str] | None = None, text: str = "") -> None:
        """A file has changed, so what has run of it for a second need not end by itself any more. None: the whole text
        has changed, which concerns the script that holds frames up, and the opening of a file that the new text does
        not name."""
        name = None if path is None else os.fspath(path)
        with self._lock:
            for hazard in self._standing.values():
                is_needed = hazard.kind == "opening" and (not text or Path(hazard.path).name in text)
                holds_up = hazard.waited_for and not is_needed
                if hazard.seconds > STOPS_WITHIN and (holds_up if name is None else hazard.path == name):
                    hazard.mended = True

    def stop(self, thread: int) -> None:
        """Stop what runs on this thread, if it is a hazard of Python's."""
        with self._lock:
            for hazard in self._standing.values():
                if hazard.thread == thread:
                    hazard.mended = True

    def _enter(self, hazard: Hazard) -> None:
        with self._lock:
            number = next(self._numbers)
            self._standing[id(hazard)] = hazard
            self.steps += 1
            if self._board is not None and self._rows:
                hazard.row = self._rows.pop()
                self._board.write(hazard.row, number, hazard)
            if self._watchdog is None:
                self._watchdog = threading.Thread(target=self._watch, name="ganzfeld-watchdog", daemon=True)
                self._watchdog.start()

    def _leave(self, hazard: Hazard) -> None:
        with self._lock:
            self.steps += 1
            self._standing.pop(id(hazard), None)
            if hazard.row is not None and self._board is not None:
                self._board.erase(hazard.row)
                self._rows.append(hazard.row)
                hazard.row = None
            if hazard.thrown:
                _throw(hazard.thread, None)  # one that has not come yet must not come later
            hazard.thread = 0

    def _watch(self) -> None:
        steps, quiet = -1, 0.0
        while True:
            time.sleep(LOOK_SECONDS)
            if self._board is not None:
                self._board.beat()
            with self._lock:
                standing = list(self._standing.values())
                quiet = quiet + LOOK_SECONDS if self.steps == steps and not standing else 0.0
                steps = self.steps
                if quiet >= QUIET_SECONDS:
                    self._watchdog = None  # the next hazard starts another
                    return
            for hazard in standing:
                if hazard.mended or hazard.seconds > hazard.patience:
                    self._stop(hazard)

    def _stop(self, hazard: Hazard) -> None:
        now = time.perf_counter()
        with self._lock:
            if id(hazard) not in self._standing:
                return
            within = MENDED_STOPS_WITHIN if hazard.mended else STOPS_WITHIN
            if not hazard.thrown or now - hazard.thrown > within:
                deaf = bool(hazard.thrown)
                hazard.thrown = now
                self.stopped[hazard.path] = hazard.stamp
                _throw(hazard.thread, NeverReturned)
                if not deaf:
                    log.warning("%s does not return after %.1f s and is stopped", hazard.path, hazard.seconds)
                    return
            else:
                return
        if hazard.waited_for and self._give_up is not None:
            self._give_up(hazard)


def _throw(thread: int, what: type[BaseException] | None) -> None:
    """Raise an exception in another thread as soon as it runs Python; None takes one back that has not come yet."""
    setter = ctypes.pythonapi.PyThreadState_SetAsyncExc
    setter(ctypes.c_ulong(thread), ctypes.py_object(what) if what is not None else None)
