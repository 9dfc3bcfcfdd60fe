"""A render process, as its supervisor holds it."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ganzfeld.process.messages import decode_from_render
from ganzfeld.process.parts import Parts, torch_parts
from ganzfeld.process.render_process import main
from ganzfeld.process.wire import Wire
from ganzfeld.values.status import Phase

# Not fork: a copy of a process with threads and a GPU is broken from birth, and Windows and macOS have none.
_spawn = multiprocessing.get_context("spawn")


class Child:
    """A process that renders, or waits as the spare until it is told to.

    `hear(child, message)` and `ended(child)` are called on threads of the child's own.
    """

    def __init__(
        self,
        hear: Callable[[Child, Any], None],
        ended: Callable[[Child], None],
        prepare: Callable[[], Parts] = torch_parts,
    ) -> None:
        self.phase: Phase = "starting"
        self.ready = False
        self.begun_with: int | None = None
        """The version of the newest text when it was told to play."""
        self.playing_since: float | None = None
        self.over = threading.Event()
        mine, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=main, args=(theirs, prepare), name="ganzfeld-render", daemon=False)
        with _deaf_to_interrupts():
            self._process.start()
        theirs.close()

        def end() -> None:
            self.over.set()
            ended(self)

        self.wire = Wire(mine, decode_from_render, lambda message: hear(self, message), end).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid or 0

    def kill(self) -> None:
        """End it now, whatever it does, and leave no zombie."""
        self._process.kill()
        self.bury()

    def bury(self) -> str:
        """Wait for its end, which must be near; how it ended, in words."""
        self._process.join(5)
        code = self._process.exitcode
        self.wire.finish(0)
        if code is None:
            return "it does not end"
        with contextlib.suppress(ValueError):
            if code < 0:
                return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def wait(self, seconds: float) -> bool:
        """Whether it ends within that time."""
        self._process.join(seconds)
        return self._process.exitcode is not None


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process started in here does not hear Ctrl-C, which goes to everybody at the terminal, from its first moment.

    (Where signals cannot be masked, it covers its ears itself a little later.)
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
