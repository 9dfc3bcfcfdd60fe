"""Watches the files of a patch: a save is noticed within some 40 ms, and a half-written file is never taken.

Editors save in three ways: they write a new file and rename it over the old one, they truncate the file and write it
again, or they write it in pieces. So the *folder* is watched, not the file; what the system reports is only a hint to
look, and a look goes by the file's own state (a slow look every half second finds what no system reported, as on
network drives). A file that changed is taken when two things hold:

- it has been still for `STILL` seconds;
- it looks whole: a patch parses as Python's grammar and has its `out(…)`, a script parses and has its `frame`. What
  does not look whole may be half a save, or a mistake: it is taken only after `PATIENCE` seconds of stillness, so that
  half a save never reaches the show and a mistake is still told within a third of a second.

`Settling` is this rule for one file and takes the time as an argument; `Watcher` is the thread.
"""

from __future__ import annotations

import ast
import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import watchfiles

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.chunks import parse_in_pieces
from ganzfeld.patch.nodes import output_words

log = logging.getLogger(__name__)

Kind = Literal["patch", "script", "data"]

STILL = 0.02
"""Seconds that a text is left alone before it is looked at. Longer than the steps of a file system's clock."""
PATIENCE = 0.3
"""Seconds of stillness after which a text that does not look whole is taken for what its author meant."""
STILL_DATA = 0.25
"""The same for other files: networks are big, and copied for a while."""
GONE = 1.0
"""Seconds after which a missing file is gone, and not just being replaced."""
LONGEST_TEXT = 1 << 20
"""Bytes of the longest text that is read."""
_LOOK_EVERY = 0.005
_SLOW_LOOK_MS = 500
_DEBOUNCE_MS, _STEP_MS = 20, 8


@dataclass(frozen=True, slots=True)
class Change:
    """A file changed. text: what a patch or script holds now. problem: why it could not be read ("" if it could)."""

    path: Path
    text: str | None = None
    problem: str = ""


def looks_whole(text: str, kind: Kind) -> bool:
    """Whether a text has what every patch (an output, `out(…)`) or script (`def frame`) ends up having. Runs nothing of
    it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse_in_pieces(text) if kind == "patch" else ast.parse(text)
    except PatchError:
        return True  # of a size that no patch has: there is nothing to wait for
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if kind == "script":
        return any(isinstance(node, ast.FunctionDef) and node.name == "frame" for node in ast.walk(tree))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Name) and function.id in output_words() for function in calls)


def read_text(path: Path) -> Change:
    """A patch's or script's text as it is now."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_TEXT + 1)
    except FileNotFoundError:
        return Change(path, problem=f"there is no file {path}")
    except IsADirectoryError:
        return Change(path, problem=f"{path.name} is a folder")
    except OSError as error:
        return Change(path, problem=f"{path.name} cannot be read: {error.strerror or error}")
    if len(data) > LONGEST_TEXT:
        return Change(path, problem=f"{path.name} has more than {LONGEST_TEXT >> 20} MB, which no text of a patch has")
    try:
        return Change(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return Change(path, problem=f"{path.name} is not UTF-8 text (line {line})")


class Settling:
    """One file: when what is seen of it may be taken. Times are seconds of any steady clock."""

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path = path
        self.kind: Kind = kind
        self._stamp = _stamp(path)
        self._taken = (self._stamp, _fingerprint(Change(path) if kind == "data" else read_text(path)))
        self._since: float | None = None

    @property
    def busy(self) -> bool:
        """Whether something changed that has not been taken yet: look again soon."""
        return self._since is not None

    def touch(self, now: float) -> None:
        """The system reported a change: look even if the file's state seems the same (its clock may be coarse)."""
        if self._since is None:
            self._since = now

    def look(self, now: float) -> Change | None:
        """The change to take now, if there is one."""
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._stamp, self._since = stamp, now
        if self._since is None:
            return None
        still = now - self._since
        if stamp is None:
            return self._take(Change(self.path, problem=f"{self.path.name} is gone")) if still >= GONE else None
        if self.kind == "data":
            return self._take(Change(self.path)) if still >= STILL_DATA else None
        if still < STILL:
            return None
        change = read_text(self.path)
        if _stamp(self.path) != stamp:
            self._since = now
            return None
        if still < PATIENCE and (change.text is None or not looks_whole(change.text, self.kind)):
            return None
        return self._take(change)

    def _take(self, change: Change) -> Change | None:
        self._since = None
        # A save of the same text counts: it is how one asks to try again. A mere report does not.
        taken = (self._stamp, _fingerprint(change))
        if taken == self._taken:
            return None
        self._taken = taken
        return change


class Watcher:
    """Watches files from a thread of its own and calls `on_change` there, until `close`."""

    def __init__(self, on_change: Callable[[Change], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._files: dict[Path, Settling] = {}
        self._again = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ganzfeld-watch", daemon=True)

    def start(self) -> Watcher:
        self._thread.start()
        return self

    def watch(self, files: Mapping[Path, Kind]) -> None:
        """Watch these files from now on, and no others. A file may be missing; its folder may be, too."""
        with self._lock:
            if {path: settling.kind for path, settling in self._files.items()} == dict(files):
                return
            self._files = {
                path: known
                if (known := self._files.get(path)) is not None and known.kind == kind
                else Settling(path, kind)
                for path, kind in files.items()
            }
        self._again.set()

    def close(self) -> None:
        """Stop watching."""
        self._closing = True
        self._again.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._closing:
            self._again.clear()
            folders = _folders(self._watched())
            try:
                self._watch(folders)
            except Exception as error:
                # No more watches to be had, or a folder that went: the slow look goes on.
                log.debug("watching %s: %s", folders, error)
                self._settle()
                self._again.wait(_SLOW_LOOK_MS / 1000)

    def _watch(self, folders: dict[Path, int]) -> None:
        """Until the folders or the files change."""
        if not folders:
            self._settle()
            self._again.wait(_SLOW_LOOK_MS / 1000)
            return
        for changes in watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=_SLOW_LOOK_MS,
            yield_on_timeout=True,
            stop_event=self._again,
            recursive=False,
            raise_interrupt=False,
        ):
            names = {Path(path).name for _, path in changes}
            now = time.monotonic()
            for settling in self._watched():
                if settling.path.name in names or settling.path.resolve().name in names:
                    settling.touch(now)
            self._settle()
            if self._again.is_set() or _folders(self._watched()) != folders:
                return

    def _watched(self) -> list[Settling]:
        with self._lock:
            return list(self._files.values())

    def _settle(self) -> None:
        """Look at all files until none is in the middle of a change."""
        while not self._closing:
            files = self._watched()
            for settling in files:
                change = settling.look(time.monotonic())
                if change is not None:
                    try:
                        self._on_change(change)
                    except Exception:
                        log.exception("a change of %s", change.path)
            if not any(settling.busy for settling in files):
                return
            time.sleep(_LOOK_EVERY)


def _fingerprint(change: Change) -> int:
    return hash((change.text, change.problem))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Changes whenever the file is written or replaced; None while there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _folders(files: list[Settling]) -> dict[Path, int]:
    """The folders that exist of the files and of what they link to, told apart from others of the same name."""
    folders = {}
    for settling in files:
        for folder in (settling.path.absolute().parent, settling.path.resolve().parent):
            try:
                folders[folder] = folder.stat().st_ino
            except OSError:
                continue
    return folders
