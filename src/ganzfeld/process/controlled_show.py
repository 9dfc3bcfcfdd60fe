"""A running show as those see it who look at it and play it: the page, the terminal, controllers, OSC.

The supervisor keeps what is read here; what is asked for becomes messages to the render process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.trust import TrustStore
from ganzfeld.process.atlas_store import AtlasStore, ShownAtlas
from ganzfeld.process.failover import Failover
from ganzfeld.process.main_output import MainOutput, ShownFrame
from ganzfeld.process.messages import ReportValues, TrustScript, VersionedText
from ganzfeld.process.page_door import PageDoor
from ganzfeld.process.pulse_watch import PulseWatch
from ganzfeld.process.render_state import RenderState
from ganzfeld.process.routing import Routing
from ganzfeld.process.show_in_files import ShowInFiles
from ganzfeld.process.show_previews import ShowPreviews
from ganzfeld.process.value_reports import Hear, Listeners
from ganzfeld.values.addresses import Address
from ganzfeld.values.desk import Desk
from ganzfeld.values.document import DocumentState
from ganzfeld.values.health import Health
from ganzfeld.values.inputs import Inputs
from ganzfeld.values.looking import CellView
from ganzfeld.values.status import DoorStatus, MasterStatus, PatchSource, Problem, Status
from ganzfeld.values.taps import Taps

log = logging.getLogger(__name__)

PAUSES = {"take": 1.0, "restart": 3.0}
"""Seconds from one such command of a page to the next: each makes a process, or a file, and the show does not stop for
them."""


class ControlledShow(ShowInFiles):
    """What may be asked of a running show, and done to it: a `studio.show.StudioShow`. Every method may be called by
    any thread, and none waits for the render process.

    name: what the person calls the patch. deafness: why no control can be learned, "" if one can; whoever listens
    to controllers says so there. osc_dropped: how many messages of OSC could not be read, and why the last one;
    whoever listens to OSC says so there. inputs: all that comes in; silence_below: decibels below which sound is
    silence; listen_to: the sound device that is heard (both may raise GanzfeldError). doors: where pictures leave
    to; `doors.master`: their level, black and freeze. document: the text that is written, of which this show plays
    and saves. previews: what pages look at beside the show.
    """

    deafness: str
    osc_dropped: Callable[[], tuple[int, str]]
    inputs: Callable[[], Inputs]
    silence_below: Callable[[float], None]
    listen_to: Callable[[str], None]
    doors: Routing
    previews: ShowPreviews
    _news: threading.Event
    _texts: dict[int, VersionedText]
    _playing: VersionedText | None
    _put_off: set[str]
    _not_before: Mapping[str, float] = {}
    _taps: Taps
    _listeners: Listeners
    _pulse: PulseWatch
    _failover: Failover
    _told: RenderState
    _main_output: MainOutput
    _atlas: AtlasStore

    # What viewers ask

    @property
    def render_pid(self) -> int | None:
        """The number of the process that renders."""
        main = self._failover.main
        return main.pid if main else None

    @property
    def spare_ready(self) -> bool:
        """Whether another process could take over at once."""
        spare = self._failover.spare
        return spare is not None and spare.ready

    def latest(self, newer_than: int = -1) -> ShownFrame | None:
        """The main output's newest picture, or None if its number is not above `newer_than`."""
        return self._main_output.latest(newer_than)

    def wait(self, newer_than: int = -1, timeout: float = 1.0) -> ShownFrame | None:
        """As `latest`, but waits up to `timeout` seconds for such a picture."""
        return self._main_output.wait(newer_than, timeout)

    def status(self) -> Status:
        """How the show is doing now."""
        with self._lock:
            told, newest = self._told.status, self._policy.newest
            width, height = self._main_output.size
            dropped, last = self.osc_dropped()
            return msgspec.structs.replace(
                told,
                follow=self.follow,
                errors=(*self._own_problems(), *told.errors),
                width=width,
                height=height,
                patch_name=self.name,
                patch_version=newest.version,
                render_alive=not self._failover.outage.lasts,
                put_off=tuple(path for path in told.pending_trust if path in self._put_off),
                rolled=self._dice.rolled,
                rolled_after=self._dice.place,
                dice_armed=self._dice.armed,
                osc_dropped=dropped,
                osc_dropped_last=last,
                doors=self.doors.statuses(),
                master=self.doors.master.status(),
                take=self._care.take.status,
            )

    def patch_source(self) -> PatchSource:
        """The patch's newest text, whether it plays or not."""
        newest = self._policy.newest
        return PatchSource(name=self.name, text=newest.text, version=newest.version)

    def patch_folder(self) -> str:
        """The folder that the patch's files lie in; "" if it has no file."""
        return str(Path(self._options.file).parent) if self._options.file else ""

    @property
    def known_time(self) -> tuple[float, float, float]:
        """The show was at second t at a time (perf_counter) and goes on at a speed, 0 while it is paused. Never waits,
        so that sound can follow it."""
        return self._told.time

    def desk(self) -> Desk:
        """Knobs, what is held by hand, snapshots, what is being learned: as they were a moment ago."""
        told, kept = self._told.desk, self._files.keeps_snapshots
        return msgspec.structs.replace(told, lesson=self._learning.lesson, kept=kept)

    @property
    def failure(self) -> GanzfeldError | None:
        """Why nothing can ever be played, or None."""
        return self._told.failure

    def command(self, name: str, **arguments: str) -> None:
        """Do what a page asks: "pause", "resume", "tap", "restart" (the render process), "trust" with `path`; "roll"
        dice for a bend, "keep" it, take it "back", "arm" the dice so that they play at once, "disarm" them; "take" and
        "end_take": record a take beside the patch."""
        self._must_pause(name)
        match name:
            case "pause" | "resume":
                self.pause(name == "pause")
            case "restart":
                self.restart()
            case "tap":
                self.tap()
            case "roll":
                self._dice.roll()
            case "keep":
                self._dice.keep()
            case "back":
                self._dice.back()
            case "arm" | "disarm":
                self._dice.arm(name == "arm")
            case "take":
                self.record_take()
            case "end_take":
                self.end_take()
            case "trust":
                self.trust(arguments.get("path", ""))
            case "later":
                self._put_off.add(arguments.get("path", ""))
            case _:
                raise GanzfeldError(f"there is no command '{name}'")

    def _must_pause(self, name: str) -> None:
        """Raises GanzfeldError if a command comes again too soon."""
        now = time.monotonic()
        with self._lock:
            if now < self._not_before.get(name, 0.0):
                raise GanzfeldError(f"'{name}' was asked for just now", hint="Wait a moment")
            if name in PAUSES:
                self._not_before = {**self._not_before, name: now + PAUSES[name]}

    def take_roll(self, line: str) -> None:
        """Keep this line in the place of the one that dice propose. Raises GanzfeldError."""
        self._dice.keep(line)

    def health(self) -> Health:
        """Whether it is well."""
        return self._pulse.health(self.status(), self.render_pid, resting=self._failover.resting)

    # What people do

    def submit(self, text: str) -> None:
        """Play this text, as if it had been saved; the file stays as it is."""
        self.document.submitted(text)

    def edit(self, text: str) -> None:
        """Play this text and write it into the patch's file, if there is one. Raises GanzfeldError if the file holds
        something that is not known (another program is just changing it), or somebody is just typing there."""
        self.document.edit(text)

    def _play(self, text: str, at_once: bool) -> int:
        """Give it to the render process; its version."""
        with self._lock:
            newest = self._policy.newest
            if (
                (text, self._options.file) == (newest.text, newest.path)
                and not self._told.status.errors
                and not self._policy.is_set_aside
                and not self._failover.outage.lasts
            ):
                return newest.version
            recent = {newest.version, *(known.version for known in (self._playing, self._policy.good) if known)}
            self._texts = {version: text for version, text in self._texts.items() if version in recent}
            version, path = newest.version + 1, self._options.file
            newest = self._texts[version] = VersionedText(version, text, path, at_once)
            self._policy.save(newest, time.perf_counter())
            self._give(newest, keep=False, key="text")
            self._news.set()
            return newest.version

    def document_state(self) -> DocumentState:
        """What of the document plays, is on disk, and is on its way."""
        return self.document.state(self.status(), set_aside=self._policy.is_set_aside)

    def learn(self, target: str | None = None) -> None:
        """The next control that is touched is to turn this (see `MidiLearn.learn`). Raises GanzfeldError."""
        if self.deafness and not self.inputs().osc:
            raise GanzfeldError("No control can be learned", hint=self.deafness)
        self._learning.learn(target)

    def stop_learning(self) -> None:
        """Nothing is to be learned any more."""
        self._learning.end()

    def touched(self, control: str) -> float | None:
        """A control was touched while something is being learned (see `MidiLearn.touched`). Raises GanzfeldError."""
        return self._learning.touched(control)

    def connect(self, target: str, control: str | None) -> float | None:
        """Write down which control turns a knob or recalls a snapshot (see `MidiLearn.connect`). Raises
        GanzfeldError."""
        return self._learning.connect(target, control)

    def trust(self, path: str) -> None:
        """Let a script run that waits for permission, now and in future. Raises GanzfeldError if it does not wait."""
        if path not in self._told.status.pending_trust:
            raise GanzfeldError("no script of this name waits for permission")
        self._put_off.discard(path)
        TrustStore().trust(Path(path))
        self._give(TrustScript(path), key=("trust", path))

    def restart(self) -> None:
        """Replace the render process, with everything kept."""
        with self._lock:
            if self._failover.main is not None:
                log.info("the render process is replaced, as asked")
                self._failover.replace("as asked", counts=False)

    @property
    def address_table(self) -> tuple[Address, ...]:
        """What of the patch that plays can be reached from outside; another object when another patch plays."""
        return self._told.table

    @property
    def addresses(self) -> frozenset[str]:
        """Every parameter that a hand may turn in the patch that plays."""
        return self._told.addresses

    @property
    def known_addresses(self) -> frozenset[str]:
        """Every address that the patch that plays knows: of parameters, of values and events from outside."""
        return self._told.known

    @property
    def counted(self) -> frozenset[str] | None:
        """Addresses whose hits the patch that plays, and the one before it, count; None: nothing has played yet."""
        return self._told.counted

    @property
    def follow(self) -> str | None:
        """What the tempo is taken from: "tap", "midi", "audio", "link", or None: the patch's text and hands."""
        tempo = self._options.tempo
        if tempo is None:
            return self._told.status.follow
        return tempo if isinstance(tempo, str) else None

    @property
    def expected(self) -> float | None:
        """About how fast what the tempo is taken from may be: `bpm(90, "audio")` expects 90."""
        return self._told.status.expected

    @property
    def floor(self) -> float | None:
        """The decibels below which sound is silence, as the patch's text says; None: it does not."""
        return self._told.status.floor

    def tap(self, at: float | None = None) -> None:
        """A hand taps the beat (`at`: perf_counter, default now): the first tap is a downbeat, from the third on there
        is a tempo. What the show follows knows better a moment later, but for the downbeat where it knows none."""
        at = time.perf_counter() if at is None else at
        tap = self._taps.tap(at)
        self.tempo(tap.bpm, tap.beat, at=at)

    def report(self, choose: Sequence[str], rate: float, hear: Hear) -> Callable[[], None]:
        """Call `hear` after frames, at most `rate` times a second, with (at least) the values of these addresses:
        parameters, named signals, knobs and what came from outside. What is returned ends that."""
        with self._lock:
            remove = self._listeners.add(choose, rate, hear)
            self._tell_reports()

        def stop() -> None:
            with self._lock:
                remove()
                self._tell_reports()

        return stop

    def _tell_reports(self) -> None:
        self._give(self._listeners.wanted or ReportValues(), key="report", keep=False)

    def look(self, views: Sequence[CellView]) -> None:
        """Show these in the atlas from now on; nothing, if there are none. Raises GanzfeldError."""
        with self._lock:
            if self._atlas.ask(views):
                self._give(self._atlas.asked, key="look", keep=False)

    def atlas(self, newer_than: int, timeout: float) -> ShownAtlas | None:
        """The newest atlas, once its number is above `newer_than`; None after `timeout` seconds."""
        return self._atlas.wait(newer_than, timeout)

    def look_at_doors(self) -> tuple[tuple[DoorStatus, ...], MasterStatus]:
        """How every door and the master are."""
        return self.doors.statuses(), self.doors.master.status()

    def door(self, do: str, door: str, **options: Any) -> None:
        """Do what a page asks of a door (see `Routing.obey`); "record": begin a film beside the patch. Raises
        GanzfeldError."""
        if do == "record":
            self.doors.record(self._beside(".mp4"))
        else:
            self.doors.obey(do, door, options)

    def page(self, picture: str) -> PageDoor | None:
        """What clean pages of an output see (see `Routing.page`)."""
        return self.doors.page(picture)

    def turns_master(self, address: str, value: Any = None) -> bool:
        return self.doors.master.turn(address, value)

    def heard_outside(self, address: str, value: Any = None, *, is_hit: bool = False) -> bool:
        return self.doors.hears(address, value) or self.doors.master.hears(address, value, is_hit=is_hit)

    def _own_problems(self) -> list[Problem]:
        """What the supervisor itself has to tell."""
        found = (*self._files.problems, self._dice.problem, self.document.problem)
        own = [Problem.of(problem) for problem in found if problem]
        outage = self._failover.outage.problems(self._policy, time.perf_counter())
        return [*own, *self._care.custody.problems(), *outage]
