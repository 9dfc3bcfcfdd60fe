"""Watches the files of a patch: a save is noticed within some 40 ms, and a half-written file is never taken.

Editors save in three ways: they write a new file and rename it over the old one, they truncate the file and write it
again, or they write it in pieces. So the *folder* is watched, not the file; what the system reports is only a hint to
look, and a look goes by the file's own state (a slow look every half second finds what no system reported, as on
network drives). A file that changed is taken when two things hold:

- it has been still for `STILL` seconds;
- it looks whole: a patch parses as Python's grammar and has its `out(…)`, a script parses and has its `frame`. What
  does not look whole may be half a save, or a mistake: it is taken only after `PATIENCE` seconds of stillness, so that
  half a save never reaches the show and a mistake is still told within a third of a second.

`Settling` is this rule for one file and takes the time as an argument; `Watcher` is the thread. A file that does not
answer (on a network drive that went away) is left alone until it does, and the others are looked at.
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

from ganzfeld.backoff import Backoff
from ganzfeld.errors import PatchError
from ganzfeld.patch.language.chunks import parse_in_pieces
from ganzfeld.patch.language.text import MOST_CHARACTERS
from ganzfeld.patch.nodes import output_words
from ganzfeld.patch.text_file import read_text_file
from ganzfeld.plain_file import real_path, version_of
from ganzfeld.process.timely import LeftBehind, TimelyCalls
from ganzfeld.python_grammar import parse_python
from ganzfeld.repeated_log import RepeatedLog

log = logging.getLogger(__name__)
said = RepeatedLog(log)

Kind = Literal["patch", "script", "data"]

STILL = 0.02
"""Seconds that a text is left alone before it is looked at. Longer than the steps of a file system's clock."""
PATIENCE = 0.3
"""Seconds of stillness after which a text that does not look whole is taken for what its author meant."""
STILL_DATA = 0.25
"""The same for other files: networks are big, and copied for a while."""
RESTLESS, SMALL = 2.0, 16 << 20
"""Seconds after which another file that is written over and over is taken all the same, if it has no more bytes than
this: what is copied for so long is larger."""
GONE = 1.0
"""Seconds after which a missing file is gone, and not just being replaced."""
ANSWER_SECONDS = 1.0
"""How long the system may take to answer a look at a file."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a file that did not answer is looked at again."""
_LOOK_EVERY = 0.005
_SLOW_LOOK_MS = 500
_DEBOUNCE_MS, _STEP_MS = 20, 8


@dataclass(frozen=True, slots=True)
class Change:
    """A file changed. text: what a patch or script holds now. problem: why it could not be read ("" if it could);
    hint: what to do about that."""

    path: Path
    text: str | None = None
    problem: str = ""
    hint: str = ""


def looks_whole(text: str, kind: Kind) -> bool:
    """Whether a text has what every patch (an output, `out(…)`) or script (`def frame`) ends up having. Runs nothing of
    it. Of a very long text, which takes long to parse, the answer is no for a script, and yes for a patch: no patch has
    that size, so there is nothing to wait for."""
    if len(text) > MOST_CHARACTERS:
        return kind == "patch"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse_in_pieces(text) if kind == "patch" else parse_python(text)
    except PatchError:
        return True  # a piece of it has a size that no patch's has
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if kind == "script":
        return any(isinstance(node, ast.FunctionDef) and node.name == "frame" for node in ast.walk(tree))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Name) and function.id in output_words() for function in calls)


def read_text(path: Path) -> Change:
    """The text of a file, or why there is none. Never waits for a pipe or a device."""
    try:
        return Change(path, read_text_file(path))
    except PatchError as error:
        return Change(path, problem=error.what, hint=error.hint)


class Settling:
    """One file: when what is seen of it may be taken. Times are seconds of any steady clock.

    read: look at the file now, so that what it holds is no news; False: whatever it will hold is.
    """

    def __init__(self, path: Path, kind: Kind, *, read: bool = True) -> None:
        self.path = path
        self.kind: Kind = kind
        self._stamp = _stamp(path) if read else None
        self._taken = (self._stamp, _fingerprint(Change(path) if kind == "data" or not read else read_text(path)))
        self._since: float | None = None
        self._restless_since = 0.0

    @property
    def busy(self) -> bool:
        """Whether something changed that has not been taken yet: look again soon."""
        return self._since is not None

    def touch(self, now: float) -> None:
        """The system reported a change: look even if the file's state seems the same (its clock may be coarse)."""
        if self._since is None:
            self._since = self._restless_since = now

    def look(self, now: float) -> Change | None:
        """The change to take now, if there is one."""
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self.touch(now)
            self._stamp, self._since = stamp, now
        if self._since is None:
            return None
        still = now - self._since
        if stamp is None:
            return self._take(Change(self.path, problem=f"{self.path.name} is gone")) if still >= GONE else None
        if self.kind == "data":
            never_rests = now - self._restless_since >= RESTLESS and stamp[2] <= SMALL
            return self._take(Change(self.path)) if still >= STILL_DATA or never_rests else None
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


class _Unanswered:
    """A file that did not answer. again: when it is asked again. thread: still waits for the answer."""

    def __init__(self) -> None:
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self.again = 0.0
        self.thread: threading.Thread | None = None

    def wait(self, thread: threading.Thread, now: float) -> None:
        self.thread = thread
        self.again = now + self._backoff.pause()

    def over(self, now: float) -> bool:
        """Whether it may be asked again. While a thread waits for it there is no need to."""
        return now >= self.again and (self.thread is None or not self.thread.is_alive())


class Watcher:
    """Watches files from a thread of its own and calls `on_change` there, until `close`."""

    def __init__(self, on_change: Callable[[Change], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._files: dict[Path, Settling] = {}
        self._unanswered: dict[Path, _Unanswered] = {}
        self._again = threading.Event()
        self._closing = False
        self._looks = TimelyCalls("ganzfeld-look")
        self._thread = threading.Thread(target=self._run, name="ganzfeld-watch", daemon=True)

    def start(self) -> Watcher:
        self._thread.start()
        return self

    def watch(self, files: Mapping[Path, Kind]) -> None:
        """Watch these files from now on, and no others. A file may be missing; its folder may be, too."""
        with self._lock:
            if {path: settling.kind for path, settling in self._files.items()} == dict(files):
                return
            known = {path: settling for path, settling in self._files.items() if files.get(path) == settling.kind}
            answers, looks = True, TimelyCalls("ganzfeld-first-look")
            for path, kind in files.items():
                if path not in known:
                    known[path], answers = _first_look(path, kind, looks if answers else None)
            looks.close()
            self._files = {path: known[path] for path in files}
            self._unanswered = {path: told for path, told in self._unanswered.items() if path in files}
        self._again.set()

    def close(self) -> None:
        """Stop watching."""
        self._closing = True
        self._again.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5)
        self._looks.close()

    def _run(self) -> None:
        while not self._closing:
            self._again.clear()
            try:
                folders = self._folders()
                self._watch(folders)
            except Exception as error:
                # No more watches to be had, or a folder that went: the slow look goes on.
                log.debug("watching: %s", error)
                try:
                    self._settle()
                except Exception:
                    said.exception("the files could not be looked at")
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
            for settling in self._answering(now):
                if settling.path.name in names or real_path(settling.path).name in names:
                    settling.touch(now)
            self._settle()
            if self._again.is_set() or self._folders() != folders:
                return

    def _folders(self) -> dict[Path, int]:
        """The folders to watch."""
        files = self._answering(time.monotonic())
        try:
            return self._looks.call(lambda: _folders(files), ANSWER_SECONDS)
        except LeftBehind:
            return {}

    def _watched(self) -> list[Settling]:
        with self._lock:
            return list(self._files.values())

    def _answering(self, now: float) -> list[Settling]:
        """The files that answer, or may be asked again."""
        unanswered = self._unanswered
        return [each for each in self._watched() if each.path not in unanswered or unanswered[each.path].over(now)]

    def _settle(self) -> None:
        """Look at all files until none is in the middle of a change."""
        while not self._closing:
            files = self._answering(time.monotonic())
            for settling in files:
                change = self._look(settling)
                if change is not None:
                    try:
                        self._on_change(change)
                    except Exception:
                        log.exception("a change of %s", change.path)
            if not any(settling.busy for settling in files):
                return
            time.sleep(_LOOK_EVERY)

    def _look(self, settling: Settling) -> Change | None:
        """The change of one file to take now. A file that does not answer is left alone for a while, and that is the
        change."""
        path, now = settling.path, time.monotonic()
        try:
            change = self._looks.call(lambda: settling.look(now), ANSWER_SECONDS)
        except LeftBehind as left:
            with self._lock:
                if self._files.get(path) is settling:
                    # The thread that was left behind may still write into the one before.
                    self._files[path] = Settling(path, settling.kind, read=False)
                known = path in self._unanswered
                self._unanswered.setdefault(path, _Unanswered()).wait(left.thread, now)
            return None if known else Change(path, problem=f"{path.name} cannot be read: its disk does not answer")
        self._unanswered.pop(path, None)
        return change


def _first_look(path: Path, kind: Kind, looks: TimelyCalls | None) -> tuple[Settling, bool]:
    """A file that is watched from now on, and whether it answered. looks: None asks nobody."""
    if looks is not None:
        try:
            return looks.call(lambda: Settling(path, kind), ANSWER_SECONDS), True
        except LeftBehind:
            pass
    return Settling(path, kind, read=False), False


def _fingerprint(change: Change) -> int:
    return hash((change.text, change.problem))


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file is written or replaced; None while there is none."""
    try:
        return version_of(path.stat())
    except OSError:
        return None


def _folders(files: list[Settling]) -> dict[Path, int]:
    """The folders that exist of the files and of what they link to, told apart from others of the same name."""
    folders = {}
    for settling in files:
        for folder in (settling.path.absolute().parent, real_path(settling.path).parent):
            try:
                folders[folder] = folder.stat().st_ino
            except OSError:
                continue
    return folders
