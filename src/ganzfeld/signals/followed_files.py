"""Watches the files that are played into a show (sounds, scores): one that is saved again is taken up, and one that is
wrong or gone is told, while what was read of it before plays on.

A change is taken when the file has been still for `STILL` seconds, because large files are copied for a while. What
cannot be opened is tried again when it changes, and after growing pauses (its disk may answer again).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ganzfeld.backoff import Backoff
from ganzfeld.errors import SignalError, reason_of
from ganzfeld.plain_file import version_of
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import Background

said = RepeatedLog(logging.getLogger(__name__))

LOOK_SECONDS = 0.1
STILL = 0.3
GONE = 1.0
"""Seconds after which a missing file is gone, and not just being replaced."""
STOPS_WITHIN = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a file that could not be opened is tried again though it has not changed."""

Version = tuple[int, ...]


class FollowedFile:
    """One file. renew: opens it anew and plays that from then on; raises SignalError. opened: the version that plays;
    None: none does yet. Times are seconds of any steady clock."""

    def __init__(self, path: Path, renew: Callable[[], None], opened: Version | None) -> None:
        self.path = path
        self.problem: SignalError | None = None
        self._renew, self._taken = renew, opened
        self._seen = opened
        self._since: float | None = None
        self._again, self._backoff = 0.0, Backoff(FIRST_PAUSE, LONGEST_PAUSE)

    def failed(self, error: SignalError) -> None:
        """It could not be opened at first."""
        self.problem, self._taken = error, None

    def look(self, now: float) -> None:
        """Take up what is to be taken up now."""
        version = version_at(self.path)
        if version != self._seen:
            self._seen, self._since = version, now
            self._again = 0.0
            self._backoff.reset()
        if self._since is not None:
            if now - self._since < (STILL if version is not None else GONE):
                return
            self._since = None
        if version is None:
            hint = "What was read of it plays on; it is opened when it is there again"
            self.problem = self.problem or SignalError(f"{self.path.name} is gone", hint=hint)
        elif version != self._taken and now >= self._again:
            self._try(version, now)
        elif version == self._taken:
            self.problem = None

    def _try(self, version: Version, now: float) -> None:
        try:
            self._renew()
        except SignalError as error:
            hint = error.hint if self._taken is None else "What was read before plays on"
            self.problem = SignalError(error.what, hint=hint)
            self._again = now + self._backoff.pause()
            return
        self.problem, self._taken = None, version


class FollowedFiles(Background):
    """All of them, from `start` to `stop`. Any thread may call."""

    def __init__(self) -> None:
        super().__init__("ganzfeld-played-files")
        self._files: dict[Path, FollowedFile] = {}
        self._lock = threading.Lock()

    @property
    def problems(self) -> list[SignalError]:
        """What is wrong with them now."""
        with self._lock:
            files = list(self._files.values())
        return [problem for each in files if (problem := each.problem) is not None]

    def follow(self, path: Path, renew: Callable[[], None], opened: Version | None) -> FollowedFile:
        """Watch this file from now on (see `FollowedFile`). opened: which version of it plays (`version_at`, asked
        before it was opened)."""
        followed = FollowedFile(path, renew, opened)
        with self._lock:
            self._files[path] = followed
        return followed

    def forget(self, path: Path) -> None:
        """It is played no more."""
        with self._lock:
            self._files.pop(path, None)

    def stop(self) -> None:
        """Watch none of them any longer. A disk that does not answer is not waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOPS_WITHIN)
            self._thread = None
        with self._lock:
            self._files.clear()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                files = list(self._files.values())
            for each in files:
                try:
                    each.look(time.monotonic())
                except Exception as error:
                    said.exception(f"{each.path.name} could not be looked at")
                    each.problem = SignalError(f"{each.path.name} could not be looked at: {reason_of(error)}")


def version_at(path: Path) -> Version | None:
    """Another one whenever the file is written or replaced; None while there is none."""
    try:
        return version_of(path.stat())
    except (OSError, ValueError):
        return None
