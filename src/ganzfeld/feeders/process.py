"""A child process as its parent sees it: started, asked, watched, ended."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits, size
from ganzfeld.feeders.protocol import Answered, Failed, from_child, receive, send

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.1
"""How often memory is looked at, on systems that do not limit it themselves, while a question is open."""
_MAIN = "import sys; sys.path[:] = {path!r}; from ganzfeld.feeders.child import main; main({limits!r})"


class ChildDiedError(FeederError):
    """The child ended, or was ended, before it answered. Its words say how."""


class FeederProcess:
    """One child. `ask` may be called from any thread; each answer goes to who asked."""

    def __init__(self, limits: Limits) -> None:
        """Starts the process, without waiting for it. Raises OSError."""
        self.limits = limits
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._open: dict[int, Future[Answered]] = {}
        self._reason = ""
        self.dead = False
        self._process = subprocess.Popen(
            [_python(), "-c", _MAIN.format(path=_path(), limits=msgspec.json.encode(limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")},
            start_new_session=True,  # Ctrl-C in a terminal is for the show
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._to = cast(BinaryIO, self._process.stdin)
        self._from = cast(BinaryIO, self._process.stdout)
        threading.Thread(target=self._hear, args=(self._from,), name="ganzfeld-feeder", daemon=True).start()
        if sys.platform != "linux":
            threading.Thread(target=self._watch, name="ganzfeld-feeder-memory", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def number(self) -> int:
        """A number for a new feed or question."""
        return next(self._numbers)

    def tell(self, message: msgspec.Struct) -> None:
        """Send what has no answer. A child that has gone does not hear it."""
        with contextlib.suppress(OSError, ValueError), self._lock:
            send(self._to, message)

    def ask(self, number: int, message: Callable[[int], msgspec.Struct], seconds: float) -> Answered:
        """Send a question and wait for its answer; a child that takes longer is ended.

        Raises FeederError (the child's own words) or ChildDiedError.
        """
        future: Future[Answered] = Future()
        with self._lock:
            if self.dead:
                raise ChildDiedError(self._death())
            self._open[number] = future
            with contextlib.suppress(OSError):
                send(self._to, message(number))
        try:
            return future.result(seconds)
        except TimeoutError:
            self.kill(f"gave no answer for {seconds:g} s and was ended")
            raise ChildDiedError(self._death()) from None
        finally:
            with self._lock:
                self._open.pop(number, None)

    def kill(self, reason: str = "was ended") -> None:
        """End it now, whatever it does."""
        self._reason = self._reason or reason
        self.dead = True
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _hear(self, pipe: BinaryIO) -> None:
        """Hands out answers until the child has gone."""
        try:
            while (data := receive(pipe)) is not None:
                message: Any = from_child.decode(data)
                with self._lock:
                    future = self._open.pop(message.number, None)
                if future is None:
                    continue
                if isinstance(message, Failed):
                    future.set_exception(FeederError(message.what, hint=message.hint))
                else:
                    future.set_result(message)
        except (OSError, ValueError, msgspec.MsgspecError):
            self._reason = self._reason or "said something that is no answer"
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        with self._lock:
            self.dead = True
            waiting, self._open = list(self._open.values()), {}
            with contextlib.suppress(OSError):
                self._to.close()
        self._from.close()
        for future in waiting:
            if not future.done():
                future.set_exception(ChildDiedError(self._death()))

    def _death(self) -> str:
        """How it ended, as the end of a sentence."""
        if self._reason:
            return self._reason
        code = self._process.returncode
        if code is None or code >= 0:
            return f"ended by itself (exit code {code})"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return "took too much processor time" if name == "SIGXCPU" else f"was ended by {name}"
        return f"was ended by signal {-code}"

    def _watch(self) -> None:
        """Ends the child when it takes too much memory, for systems that do not do so themselves."""
        import psutil

        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            while not self.dead:
                if self._open and process.memory_info().rss > self.limits.memory + self.limits.answer_bytes:
                    self.kill(f"took more memory than {size(self.limits.memory)}")
                time.sleep(WATCH_SECONDS)


def _python() -> str:
    # In a program that embeds Python, sys.executable is that program; multiprocessing knows about it.
    import multiprocessing.spawn

    return os.fsdecode(multiprocessing.spawn.get_executable() or sys.executable)


def _path() -> list[str]:
    """Where modules are found. Never the working directory: it may be a folder of downloads."""
    return [entry for entry in sys.path if Path(entry).is_absolute()]
