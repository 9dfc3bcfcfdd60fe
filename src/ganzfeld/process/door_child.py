"""A door's process, as the supervisor holds it: started, watched, started again."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from ganzfeld.backoff import Backoff
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door
from ganzfeld.outputs.doors.door_process import main
from ganzfeld.outputs.doors.messages import (
    DoorEnded,
    DoorReport,
    KeepOptions,
    OpenDoor,
    StopDoor,
    decode_from_door,
)
from ganzfeld.outputs.doors.registry import checked_options, factory_of
from ganzfeld.outputs.doors.route import Route
from ganzfeld.process.child_process import for_a_start
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.piped_log import LogLine
from ganzfeld.values.status import DoorState, DoorStatus, Problem

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a door is started again: twice as many each time."""
STEADY_SECONDS = 10.0
"""A door that was open for this long begins with the first pause again."""
# Not fork: see `child_process`.
_spawn = multiprocessing.get_context("spawn")


class DoorChild:
    """One door from its opening to its closing, through however many processes that takes.

    Whoever owns it holds one lock around all methods; messages come in on threads of their own and are only kept.
    keep: is called with options that a hand changed at the far end.
    """

    def __init__(
        self,
        session: str,
        kind: type[Door],
        route: Route,
        row: int,
        *,
        keep: Callable[[DoorChild, dict[str, Any]], None],
    ) -> None:
        self.kind, self.route, self.row = kind, route, row
        self.picture = route.picture
        self.restarts = 0
        self._session, self._keep = session, keep
        self._process: Any = None
        self._pipe: MessagePipe | None = None
        self._over = threading.Event()
        self._report = DoorReport()
        self._ended: DoorEnded | None = None
        self._problem: Problem | None = None
        self._is_final = self._is_closing = False
        self._heard = self._is_untidy = False
        self._silence = self._open_for = 0.0
        self._backoff, self._again_in = Backoff(FIRST_PAUSE, LONGEST_PAUSE), 0.0

    @property
    def pid(self) -> int | None:
        """The number of the process, or None."""
        return self._process.pid if self._process is not None else None

    @property
    def is_gone(self) -> bool:
        """Whether nothing runs, and nothing will be started."""
        return self._process is None and (self._is_final or self._is_closing)

    def look(self, seconds: float) -> None:
        """Once in a while; `seconds` since the last time (not counting those that the machine slept)."""
        if self._process is None:
            self._again_in = max(0.0, self._again_in - seconds)
            if not (self._is_final or self._is_closing) and self._again_in == 0:
                self._start()
            return
        self._silence = 0.0 if self._heard else self._silence + seconds
        self._heard = False
        if self._report.is_open:
            self._open_for += seconds
        if self._over.is_set():
            self._bury()
        elif self._silence > self._patience:
            log.warning("the door '%s' hangs and is ended", self.route.name)
            self._process.kill()
            self._bury(Problem("it hung and was ended"))

    def command(self, message: Any) -> None:
        """Send a message, if there is a process."""
        if self._pipe is not None:
            self._pipe.post(message)

    def show(self, picture: str) -> None:
        """Which output it shows from now on, "": none yet."""
        self.picture = picture

    def again(self) -> None:
        """Start it soon, even if it had ended for good."""
        self._is_final, self._again_in = False, 0.0
        self._backoff.reset()

    def begin_to_close(self) -> None:
        """Let it finish what it began; `look` sees to the rest."""
        self._is_closing = True
        self._silence = 0.0
        self.command(StopDoor())
        if self._process is None:
            self._sweep()

    def end(self, seconds: float) -> None:
        """Close now: wait so long for its end, then kill it."""
        if self._process is not None:
            self._process.join(seconds)
            if self._process.exitcode is None:
                self._process.kill()
            self._bury()

    def status(self, picture_is_there: bool) -> DoorStatus:
        """How it is doing. picture_is_there: whether the patch has the output."""
        report, problem = self._report, self._problem or self._report.problem
        if problem is None and not picture_is_there:
            problem = Problem(f"the patch has no output '{self.route.picture}'", "Give one that name: out(…, name=…)")
        return DoorStatus(
            name=self.route.name,
            type=self.route.type,
            to=self.route.to,
            picture=self.route.picture,
            state=self._state,
            problem=problem,
            restarts=self.restarts,
            again_in=round(self._again_in, 1),
            note=report.note,
            fps=report.fps,
            shown=report.shown,
            width=report.width,
            height=report.height,
            refresh=report.refresh,
            refreshed_at=report.refreshed_at,
            seconds=report.seconds,
            size=report.size,
        )

    @property
    def _state(self) -> DoorState:
        if self._is_final:
            return "ended"
        if self._process is None:
            return "failed" if self._problem else "starting"
        if not self._report.is_open:
            return "starting"
        return "waiting" if self._report.is_waiting else "open"

    @property
    def _patience(self) -> float:
        return self.kind.patience if self._report.is_open or self._is_closing else self.kind.opening_patience

    def _start(self) -> None:
        mine, theirs = _spawn.Pipe()
        self._over, self._report, self._ended = threading.Event(), DoorReport(), None
        self._silence = self._open_for = 0.0
        # A daemon, so that none outlives a supervisor that ends in a hurry.
        process = _spawn.Process(target=main, args=(theirs,), name=f"ganzfeld-door-{self.route.name}", daemon=True)
        with for_a_start():
            process.start()
        theirs.close()
        self._process = process
        self._pipe = MessagePipe(mine, decode_from_door, self._hear, self._over.set).start()
        self._pipe.post(
            OpenDoor(
                factory=factory_of(self.kind),
                name=self.route.name,
                session=self._session,
                picture=self.picture,
                options=msgspec.to_builtins(dict(self.route.options)),
                row=self.row,
            )
        )

    def _hear(self, message: Any) -> None:
        match message:
            case DoorReport():
                self._report, self._heard = message, True
                if message.is_open:
                    self._problem = None
            case DoorEnded():
                self._ended = message
            case KeepOptions(options):
                self._keep(self, options)
            case LogLine(logger, level, text):
                logging.getLogger(logger).log(level, "door '%s': %s", self.route.name, text)

    def _bury(self, problem: Problem | None = None) -> None:
        """The process ended, or is about to."""
        self._process.join(5)
        self._over.wait(2)  # until all that it said is heard
        code, ended = self._process.exitcode, self._ended
        if self._pipe is not None:
            self._pipe.finish(0)
        self._process = self._pipe = None
        if ended is None:
            problem = problem or Problem(f"its process ended ({_in_words(code)})")
        self._problem = problem or (ended.problem if ended else None)
        self._report = DoorReport()
        self._is_final = ended is not None and (ended.is_final or ended.problem is None) and not self._is_closing
        self._is_untidy = ended is None
        if self._is_closing or self._is_final:
            self._sweep()
            return
        if self._open_for >= STEADY_SECONDS:
            self._backoff.reset()
        self._again_in = self._backoff.pause()
        self.restarts += 1
        if self._problem is not None:
            log.warning("the door '%s': %s", self.route.name, self._problem.what)

    def _sweep(self) -> None:
        """Remove what a killed process left; the next one would have gone on with it."""
        if not self._is_untidy:
            return
        self._is_untidy = False
        try:
            self.kind.sweep(self.route.name, checked_options(self.kind, self.route.options))
        except (OSError, OutputError):
            log.exception("what the door '%s' left behind could not be removed", self.route.name)


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            pass
    return "it does not end" if code is None else f"exit code {code}"
