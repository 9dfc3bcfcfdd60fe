"""A running show at the terminal: what is said of it, what is asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table
from rich.text import Text

from ganzfeld.cli._interrupts import held_interrupts
from ganzfeld.cli._links import LinksAtTerminal
from ganzfeld.cli._terminal import console, show_error
from ganzfeld.cli._trust import may_run
from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.cli._osc_query import OscQuery
    from ganzfeld.cli._source import PlaySource
    from ganzfeld.cli._take import TakeFile
    from ganzfeld.process.supervisor import Supervisor
    from ganzfeld.signals.signals import Signals
    from ganzfeld.studio.server import StudioServer
    from ganzfeld.values.status import DoorStatus, Problem, Status

LOOK_EVERY = 0.1
"""Seconds between looks at the show."""


@dataclass(frozen=True)
class SideServices:
    """What runs beside the show in this process: signals, OSCQuery. take: what the render process records. closed:
    why doors of the rig could not be opened. server: the page's, if others reach it by links."""

    signals: Signals
    take: TakeFile | None = None
    closed: Sequence[GanzfeldError] = ()
    query: OscQuery | None = None
    server: StudioServer | None = None

    @property
    def problems(self) -> list[GanzfeldError]:
        """What is wrong with any of them."""
        query = self.query.problem if self.query is not None else None
        return [*self.signals.problems, *self.closed, *([query] if query is not None else [])]


class ShowTerminal:
    """What the person at the terminal sees: where the page is, one line that moves, errors once, and the question
    whether a script may run."""

    def __init__(self, show: Supervisor, source: PlaySource, url: str, beside: SideServices) -> None:
        self._show, self._source, self._url, self._beside = show, source, url, beside
        self._missed: set[str] = set()
        self._console = console()
        self._errors: tuple[Problem, ...] = ()
        self._told: set[Problem] = set()
        self._asked: set[str] = set()
        self._wrong_doors: dict[str, Problem | None] = {}
        self._links = LinksAtTerminal(beside.server, self._console) if beside.server is not None else None

    def watch(self, seconds: float | None) -> None:
        """Until `seconds` after the first picture (or the first error); for ever if None. Raises what ended it."""
        live = Live(console=self._console, refresh_per_second=8, transient=True, auto_refresh=False)
        try:
            self._greet()
            with held_interrupts():
                live.start()
            ends = None
            while ends is None or time.monotonic() < ends:
                if pending := self._look(live):
                    with held_interrupts():
                        live.stop()
                    self._ask(pending)
                    with held_interrupts():
                        live.start()
                if seconds is not None and ends is None and (self._errors or self._show.latest() is not None):
                    ends = time.monotonic() + seconds
                if self._beside.query is not None and self._beside.query.is_left:
                    break
                time.sleep(LOOK_EVERY)
        finally:
            with held_interrupts():
                live.stop()
        if self._show.latest() is None and self._errors:
            raise self._errors[0].error()

    def _look(self, live: Live) -> list[str]:
        """Tell what is new. The scripts to ask about."""
        if self._show.failure is not None:
            raise self._show.failure
        status = self._show.status()
        self._errors = status.errors
        self._tell(status.errors)
        self._tell_beside(self._beside.problems)
        self._tell_doors(status.doors)
        if self._links is not None:
            self._links.look()
        if self._console.is_terminal:
            line = _line(status)
            with held_interrupts():
                live.update(line, refresh=True)
        answered = {*self._asked, *status.put_off}
        return [script for script in status.pending_trust if script not in answered]

    def _greet(self) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(Text("Ganzfeld", "bold"), Text(f"plays {self._show.name}"))
        table.add_row(Text("page", "dim"), Text(self._url, "cyan"))
        for row in self._links.rows() if self._links is not None else ():
            table.add_row(*row)
        if self._show.patch_file is not None:
            here = self._show.name == self._source.name and self._source.patch is not None
            file = self._source.patch if here else self._show.patch_file
            table.add_row(Text("edit", "dim"), Text(f"{file}: a save is on the screen at once"))
        if self._beside.signals.osc is not None:
            table.add_row(Text("OSC", "dim"), Text(f"UDP port {self._beside.signals.osc.port}"))
        if self._beside.query is not None and self._beside.query.url:
            table.add_row(Text("OSCQuery", "dim"), Text(self._beside.query.url, "cyan"))
        if self._beside.signals.senders:
            to = ", ".join(f"{host}:{port}" for host, port in self._beside.signals.wanted.osc_to)
            table.add_row(Text("OSC out", "dim"), Text(to))
        if self._beside.take is not None:
            table.add_row(Text("take", "dim"), Text(str(self._beside.take.path)))
        for door in self._show.look_at_doors()[0]:
            table.add_row(Text("door", "dim"), Text(f"{door.name}: {door.picture or 'the main picture'} to {door.to}"))
        table.add_row(Text("stop", "dim"), Text("Ctrl-C"))
        self._console.print(table)
        if self._links is not None:
            self._links.code()
        self._console.file.flush()

    def _tell(self, errors: tuple[Problem, ...]) -> None:
        """Each error when it appears."""
        for problem in errors:
            if problem not in self._told:
                show_error(problem.error())
        self._told = set(errors)

    def _tell_beside(self, errors: list[GanzfeldError]) -> None:
        """Each thing that does not work beside the show, once."""
        for error in errors:
            if str(error) not in self._missed:
                self._missed.add(str(error))
                show_error(error)

    def _tell_doors(self, doors: Sequence[DoorStatus]) -> None:
        """What is wrong with a door, when it goes wrong; a word when it is well again."""
        wrong = {door.name: (door.type, door.problem) for door in doors if door.problem is not None}
        for name, (kind, problem) in wrong.items():
            if problem is not None and self._wrong_doors.get(name) != problem:
                show_error(GanzfeldError(f"door '{name}' ({kind}): {problem.what}", hint=problem.hint))
        for door in doors:
            if door.name in self._wrong_doors and door.problem is None:
                self._console.print(f"door '{door.name}' is open again", markup=False)
        self._wrong_doors = {name: problem for name, (_, problem) in wrong.items()}

    def _is_answered(self, script: str) -> bool:
        """Whether somebody answered on the page, or the script is not asked for any more."""
        status = self._show.status()
        return script not in status.pending_trust or script in status.put_off

    def _ask(self, scripts: list[str]) -> None:
        """Ask whether scripts may run, if there is somebody to ask. The page asks, too."""
        self._asked.update(scripts)
        for script in scripts:
            if may_run(script, lambda script=script: self._is_answered(script)):
                with held_interrupts(), contextlib.suppress(GanzfeldError):  # allowed on the page meanwhile
                    self._show.trust(script)


def _line(status: Status) -> Text:
    """How the show is doing, in one line."""
    minutes, seconds = divmod(int(status.t), 60)
    width, height = status.size
    words = [f"{minutes}:{seconds:02d}"]
    if not status.render_alive:
        words.append("the render is being replaced")
    elif not width:
        words.append("opening")
    else:
        of = f" of {status.rate:.4g}" if status.division > 1 else ""
        words += [f"{status.fps:.1f}{of} fps", f"{status.frame_ms:.1f} ms", f"{width} × {height}", status.device]
        if status.halvings:
            words.append(f"drawn at 1/{2**status.halvings} of the size, to hold the rate")
        words.append(f"{status.bpm:.4g} bpm" + (f" ({status.follow})" if status.follow else ""))
    words += [_door(door) for door in status.doors]
    if status.master.black > 0 or status.master.frozen or status.master.level < 1:
        words.append(_master(status))
    if status.paused:
        words.append("paused")
    if status.osc_dropped:
        words.append(f"{status.osc_dropped} messages of OSC that could not be read, last {status.osc_dropped_last}")
    return Text(" · ".join(words), "dim")


def _door(door: DoorStatus) -> str:
    """A door in a few words."""
    if door.state == "open":
        return f"{door.name} {door.fps:.0f} fps"
    return f"{door.name} waits for {door.note}" if door.state == "waiting" else f"{door.name} {door.state}"


def _master(status: Status) -> str:
    master = status.master
    words = ["frozen"] if master.frozen else []
    words += [f"level {master.level:.0%}"] if master.level < 1 else []
    words += ["black" if master.black >= 1 else f"{master.black:.0%} black"] if master.black > 0 else []
    return f"master: {', '.join(words)}"
