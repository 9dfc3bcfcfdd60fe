"""A render process as the supervisor's side sees it: its pipe, its phase, its end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ganzfeld.process.dependencies import Dependencies, torch_dependencies
from ganzfeld.process.messages import decode_from_render
from ganzfeld.process.render_process import main
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.status import Phase

HUNG_UP_SECONDS, KILLED_SECONDS, LOOK_SECONDS = 1.0, 5.0, 0.01
# Not fork: the copy of a process that has threads and a GPU does not work, and Windows has no fork.
_spawn = multiprocessing.get_context("spawn")


class ChildProcess:
    """A process that renders, or waits as the spare until it is told to.

    `hear(child, message)` and `ended(child)` are called on threads of the child's own.
    """

    def __init__(
        self,
        hear: Callable[[ChildProcess, Any], None],
        ended: Callable[[ChildProcess], None],
        prepare: Callable[[], Dependencies] = torch_dependencies,
    ) -> None:
        self.phase: Phase = "starting"
        self.ready = False
        self.begun_with: int | None = None
        """The version of the newest text when it was told to play."""
        self.playing_since: float | None = None
        self.last_words = ""
        """Why it ends, if it could still say so."""
        self.over = threading.Event()
        mine, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=main, args=(theirs, prepare), name="ganzfeld-render", daemon=False)
        with for_a_start():
            self._process.start()
        theirs.close()

        def end() -> None:
            self.over.set()
            ended(self)

        self.pipe = MessagePipe(mine, decode_from_render, lambda message: hear(self, message), end).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid or 0

    def kill(self) -> None:
        """End it now, whatever it does, and leave no zombie."""
        self._process.kill()
        self.wait_for_end()

    def wait_for_end(self) -> str:
        """Wait for the end of a process that was killed or ends by itself; how it ended, in words. One that has hung up
        and goes on (a script put another program in its place) is killed."""
        if not self.ends_within(HUNG_UP_SECONDS):
            self._process.kill()
            self.ends_within(KILLED_SECONDS)
        code = self._process.exitcode
        self.pipe.finish(0)
        if code is None:
            return "it does not end"
        with contextlib.suppress(ValueError):
            if code < 0:
                return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}, {self.last_words}" if self.last_words else f"exit code {code}"

    def ends_within(self, seconds: float) -> bool:
        """Waits; whether the process ended within that time."""
        # Not `join`, which listens to a pipe that ends with the process: a copy that a script forked holds it open, and
        # a program that a script put in the process's place has closed it.
        until = time.monotonic() + seconds
        while self._process.exitcode is None:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        return True


@contextlib.contextmanager
def for_a_start() -> Iterator[None]:
    """For starting a process in here. It does not get Ctrl-C, which the terminal sends to all its processes; where
    signals cannot be masked (on Windows), the process ignores Ctrl-C itself, as soon as it can.

    A process begins in the folder that this one is in. If somebody has removed that, both go to the root.
    """
    try:
        Path.cwd()
    except OSError:
        os.chdir(Path(sys.prefix).anchor or os.sep)
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
