"""What `ganzfeld play` does for installations that nobody looks after: starts again, keeps hours, writes a log."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.backoff import Backoff
from ganzfeld.cli._interrupts import ENDS, on_signals
from ganzfeld.errors import GanzfeldError, explained

if TYPE_CHECKING:
    from ganzfeld.process.supervisor import Supervisor
    from ganzfeld.values.status import Problem

log = logging.getLogger(__name__)

LOOKED_AT_BYTES = 1 << 16
"""Of a file that is to be gone on with as a log."""
_LOG_LINE = re.compile(rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+ ", re.MULTILINE)

KEPT_IN = "GANZFELD_KEEP"
"""The environment variable that tells a kept process where it is to write itself down."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds before a process that ended is started again."""
CALM_SECONDS = 60.0
"""A process that has run this long is started again at once."""
SILENT_SECONDS = 30.0
"""A process that has given no sign of life for this long hangs."""
ENDS_WITHIN = 10.0
LOOK_SECONDS = 0.25
MOST_SIGNS = 1000
WRONG_WORDS = 2
"""The exit code of a command line that cannot be understood: starting it again would not help."""
LOG_BYTES, LOG_FILES = 2_000_000, 5


def kept_in() -> Path | None:
    """Where this process is to write its show down, if it is one that is kept."""
    return Path(os.environ[KEPT_IN]) if os.environ.get(KEPT_IN) else None


def keep(what: str, arguments: Sequence[str], program: Sequence[str] | None = None) -> int:
    """Run `ganzfeld` with these arguments in a process of its own, and start it again whenever it ends by itself or
    hangs; the exit code when a person ended it. what: tells apart what is kept."""
    from ganzfeld.process.kept_show import PULSE_PORT, kept_path, stay_at_home

    signs = SignsOfLife()
    kept = kept_path(what)
    kept_by = {KEPT_IN: str(kept), PULSE_PORT: str(signs.port)}
    words = [*(program or (sys.executable, "-c", "from ganzfeld.cli import main; main()")), *arguments]
    stopped = threading.Event()
    backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
    with on_signals(("SIGINT", *ENDS), lambda *_: stopped.set()):
        while True:
            began = time.monotonic()
            code, how = _run(words, kept_by, signs, stopped)
            if stopped.is_set() or code in (0, WRONG_WORDS):
                stay_at_home(kept)
                return code
            if time.monotonic() - began >= CALM_SECONDS:
                backoff.reset()
            pause = backoff.pause()
            log.warning("the show ended (%s) and is started again in %.0f s", how, pause)
            if stopped.wait(pause):
                stay_at_home(kept)
                return 0
            if "--headless" not in words:
                words.append("--headless")  # one browser is enough


class SignsOfLife:
    """Hears the signs of life of a kept process (`process.kept_show.SignOfLife`)."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def came(self) -> bool:
        """Whether one came since the last call."""
        came = False
        with contextlib.suppress(OSError):
            for _ in range(MOST_SIGNS):
                self._socket.recv(16)
                came = True
        return came


def _run(
    words: Sequence[str], kept_by: Mapping[str, str], signs: SignsOfLife, stopped: threading.Event
) -> tuple[int, str]:
    """One process from its start to its end: its exit code, and how it ended in words."""
    signs.came()
    child = subprocess.Popen(words, env={**os.environ, **kept_by})
    silence: float | None = None  # before the first sign, it imports
    looked = time.monotonic()
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = child.wait(LOOK_SECONDS)
                return code, f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            if stopped.is_set():
                return _end(child), "stopped"
            now = time.monotonic()
            if signs.came():
                silence = 0.0
            elif silence is not None:
                # While this process is stopped itself, or the machine sleeps, nobody can give a sign.
                silence += min(now - looked, 2 * LOOK_SECONDS)
                if silence > SILENT_SECONDS:
                    child.kill()
                    child.wait()
                    return 1, f"no sign of it for {SILENT_SECONDS:.0f} s"
            looked = now
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _end(child: subprocess.Popen[bytes]) -> int:
    child.terminate()
    try:
        child.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    return 0


@contextlib.contextmanager
def unattended(show: Supervisor, hours: str | None, log_to: Path | None) -> Iterator[None]:
    """Within it, a show that has not been started keeps its hours, and its log is written. Raises GanzfeldError for
    what are no hours, and for a log that cannot be written."""
    from ganzfeld.process.opening_hours import HoursKeeper, OpeningHours

    keeper = HoursKeeper(show, OpeningHours(hours)) if hours else None
    writer = LogWriter(show, log_to) if log_to else None
    with writer or contextlib.nullcontext(), keeper or contextlib.nullcontext():
        yield


def _is_log(path: Path) -> bool:
    """Whether a log may be written there: nothing lies there, or what one of ours began. Raises OSError."""
    if not path.is_file() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        return _LOG_LINE.search(file.read(LOOKED_AT_BYTES)) is not None


class LogWriter:
    """Writes what is logged, and what goes wrong in a show, into a file; it turns over before it is large."""

    def __init__(self, show: Supervisor, path: Path) -> None:
        self._show = show
        try:
            if not _is_log(path):
                what = f"{path} is no log of Ganzfeld, and would be written into"
                raise GanzfeldError(what, hint="Give another name, such as --log show.log")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            what, hint = explained(error)
            raise GanzfeldError(f"the log {path} cannot be written: {what}", hint=hint) from None
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._handler.handleError = lambda record: None  # a full disk ends no show
        self._known: set[Problem] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ganzfeld-log", daemon=True)

    def __enter__(self) -> LogWriter:
        logging.getLogger().addHandler(self._handler)
        self._say(logging.INFO, "the show begins")
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        self._thread.join(5)
        self._say(logging.INFO, "the show ends")
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            with contextlib.suppress(Exception):
                self.look()

    def look(self) -> None:
        """Write down what has gone wrong since the last look, and what is well again."""
        now = set(self._show.status().errors)
        self._follow()
        for problem in now - self._known:
            self._say(logging.WARNING, str(problem.error()))
        for problem in self._known - now:
            self._say(logging.INFO, f"no more: {problem.what}")
        self._known = now

    def _follow(self) -> None:
        """Begin the file anew if somebody took it away (a disk that came back, a folder that was made again)."""
        handler, path = self._handler, Path(self._handler.baseFilename)
        with handler.lock or contextlib.nullcontext():
            try:
                written = os.fstat(handler.stream.fileno()) if handler.stream else None
                there = path.stat()
                if written is not None and (written.st_dev, written.st_ino) == (there.st_dev, there.st_ino):
                    return
            except OSError:
                if not path.parent.is_dir():
                    return
            if not _is_log(path):
                return
            stream = handler._open()
            if handler.stream:
                handler.stream.close()
            handler.stream = stream

    def _say(self, level: int, words: str) -> None:
        self._handler.emit(logging.LogRecord("ganzfeld", level, "", 0, words, None, None))
