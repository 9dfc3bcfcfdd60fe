"""The supervisor: everything of a running show but the rendering.

It owns the patch's newest text, what hands turned, the last checkpoint, the last frame, and the power to start the
render process again. That process may be killed, crash or hang at any time: a spare that has everything imported takes
over with the newest text, the last checkpoint and every message sent since it was made (`failover.py` sees to it).
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.trust import TrustStore
from ganzfeld.process.child_process import ChildProcess
from ganzfeld.process.commands import ShowCommands
from ganzfeld.process.darkening import show_black
from ganzfeld.process.dependencies import Dependencies, torch_dependencies
from ganzfeld.process.failover import Failover
from ganzfeld.process.file_care import FileCare
from ganzfeld.process.kept_show import KeptShow, read_kept
from ganzfeld.process.live_dice import LiveDice
from ganzfeld.process.main_output import MainOutput, ShownFrame
from ganzfeld.process.messages import (
    Begin,
    CheckpointSaved,
    Dark,
    Failed,
    FileChanged,
    FilesSetAside,
    LoadSnapshots,
    LogLine,
    NetworksKept,
    Numbered,
    PatchAddresses,
    Ready,
    RenderMessage,
    ReportedValues,
    SnapshotsStored,
    TrustScript,
    VersionedText,
    WatchFiles,
)
from ganzfeld.process.midi_learn import MidiLearn
from ganzfeld.process.options import ShowOptions
from ganzfeld.process.page_door import PageDoor
from ganzfeld.process.pulse_watch import PulseWatch
from ganzfeld.process.refresh_follower import LeadingDoor
from ganzfeld.process.render_state import RenderState
from ganzfeld.process.restart_policy import Journal, RestartPolicy
from ganzfeld.process.routing import Routing
from ganzfeld.process.show_files import ShowFiles
from ganzfeld.process.value_reports import Hear, Listeners
from ganzfeld.values.desk import Desk
from ganzfeld.values.frames import FrameStore
from ganzfeld.values.hazards import HazardBoard
from ganzfeld.values.health import Health
from ganzfeld.values.sound_ring import SoundWriter
from ganzfeld.values.status import DoorStatus, MasterStatus, PatchSource, Problem, Status
from ganzfeld.values.taps import Taps

log = logging.getLogger(__name__)

SPARE_AFTER = 1.0
"""Seconds of playing before the spare is started, so that it does not slow the start."""
_LOOK_EVERY = 0.05


class Supervisor(ShowCommands):
    """A running show, from `start` to `close`: a `studio.show.StudioShow`. Every method may be called by any thread.

    patch: the file that plays and is watched; or text: a patch without a file. name: what the person calls it.
    device: as `Engine`'s. fps, tempo (beats a minute, or what to follow): instead of the patch's own.
    trust_all: scripts run without being asked for. take: the file to record a take into.
    take_cameras: with what cameras show. sound: the file that drives the show, for the take to tell.
    hang_seconds: a render that makes no frame for this long, and for 20 times its slowest frame, is replaced.
    prepare: what a render process is made of. keep_in: a file in which the show is written down all the time; if there
    is one, the show goes on from there.
    """

    def __init__(
        self,
        patch: Path | None = None,
        *,
        text: str | None = None,
        name: str = "",
        device: str = "auto",
        fps: float | None = None,
        tempo: float | str | None = None,
        trust_all: bool = False,
        take: Path | None = None,
        take_cameras: bool = False,
        sound: Path | None = None,
        hang_seconds: float = 15.0,
        prepare: Callable[[], Dependencies] = torch_dependencies,
        keep_in: Path | None = None,
    ) -> None:
        self._files = ShowFiles(patch, self)
        path = self._files.patch.path if self._files.patch else None
        self.name = name or (patch.name if patch else "patch")
        self._options = ShowOptions(
            path, self.name, device, fps, tempo, trust_all, take, take_cameras=take_cameras, sound=sound
        )
        self._taps = Taps()
        self._listeners = Listeners()
        self._lock = threading.RLock()
        self._news = threading.Event()
        self._closing = False
        self._learning = MidiLearn(self, self._options.file, self._lock)
        self.deafness = 'No MIDI is listened to; start with: ganzfeld play --midi "*"'
        """Why no control can be learned; "" if one can. Whoever listens to controllers says so here."""
        self.osc_dropped: Callable[[], tuple[int, str]] = lambda: (0, "")
        """How many messages of OSC could not be read, and why the last one; whoever listens to OSC says so here."""
        before = read_kept(keep_in) if keep_in is not None else None
        if self._files.patch is not None:
            text = self._files.patch.read(before.text if before else None)
        self._policy = RestartPolicy(VersionedText(1, text or ""), time.perf_counter())
        self._texts = {1: self._policy.newest}
        self._dice = LiveDice(path, lambda: self._policy.newest.text, self.submit)
        self._playing: VersionedText | None = None
        self._put_off: set[str] = set()
        self._journal = Journal()
        self._store = FrameStore()
        self._hazards = HazardBoard(self._store.session, create=True)
        self._care = FileCare(self._files, self._hazards, changed=self._try_again, show=self.to_keep, keep_in=keep_in)
        self._dark = False
        self._pulse = PulseWatch(lambda: self._store.published)
        self._failover = Failover(
            self._policy,
            self._journal,
            self._first_words,
            hear=self._hear,
            news=self._news.set,
            beats=lambda: self._store.beats,
            hazards=self._hazards,
            custody=self._care.custody,
            hang_seconds=hang_seconds,
            prepare=prepare,
        )
        self._told = RenderState()
        if before is not None:
            self._told.saved = before.saved
            self._care.keeps(before.kept)
            self._playing = self._texts[0] = VersionedText(0, before.text)
        self.doors = Routing(self._store)
        self._leading = LeadingDoor()
        """Where pictures leave to; `doors.master`: their level, black and freeze."""
        self.sound = SoundWriter(self._store.session)
        """Where doors hear what the show hears; whoever hears it writes it."""
        self._main_output = MainOutput(self._store.session)
        self._thread = threading.Thread(target=self._supervise, name="ganzfeld-supervisor", daemon=True)
        self._close_at_exit = _closer(self)

    @property
    def session(self) -> str:
        """The name under which `FrameReader` finds this show's outputs, in any process."""
        return self._store.session

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

    def start(self) -> Supervisor:
        """Start rendering."""
        with self._lock:
            self._files.start()
            if not self._failover.resting:
                self._failover.begin()
        self._care.start()
        self._thread.start()
        # multiprocessing waits for its processes when Python ends, so ours must end before that.
        atexit.register(self._close_at_exit)
        return self

    def close(self) -> None:
        """End every process and remove the shared memory. `latest` goes on giving the last frame."""
        atexit.unregister(self._close_at_exit)
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._news.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(10)
        self._care.close()
        self._files.close()
        self.doors.close()
        self._failover.close()
        self._main_output.close()
        self._hazards.remove()
        self.sound.close()
        self._store.close()

    def __enter__(self) -> Supervisor:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.close()

    # What viewers ask

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
                osc_dropped=dropped,
                osc_dropped_last=last,
                doors=self.doors.statuses(),
                master=self.doors.master.status(),
            )

    def patch_source(self) -> PatchSource:
        """The patch's newest text, whether it plays or not."""
        newest = self._policy.newest
        return PatchSource(name=self.name, text=newest.text, version=newest.version)

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
        dice for a bend, "keep" it, take it "back"."""
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
            case "trust":
                self.trust(arguments.get("path", ""))
            case "later":
                self._put_off.add(arguments.get("path", ""))
            case _:
                raise GanzfeldError(f"there is no command '{name}'")

    def health(self) -> Health:
        """Whether it is well."""
        return self._pulse.health(self.status(), self.render_pid, resting=self._failover.resting)

    def to_keep(self) -> KeptShow | None:
        """What to write down, to go on from if this process ends; None before anything has played."""
        with self._lock:
            text, saved = self._policy.good or self._playing, self._told.saved
            if text is None:
                return None
            checkpoint, clock = (saved.data, saved.clock) if saved else (None, {})
            return KeptShow(text=text.text, checkpoint=checkpoint, clock=clock, kept=self._care.kept)

    # Outside a show's hours

    def rest(self) -> None:
        """Show black, and render nothing until `wake`. May be called before `start`."""
        with self._lock:
            self._failover.rest()
            status = self._told.status
        show_black(self._store, status.frame, status.t)

    def wake(self, *, dark: bool = False) -> None:
        """Render again, from where it was. dark: show black all the same."""
        with self._lock:
            self._dark = dark
            if not self._failover.resting:
                self._give(Dark(dark), key="dark", keep=False)
                return
            self._pulse.due_again()
            if self._told.saved is not None:  # the time in between did not happen
                self._told.saved = msgspec.structs.replace(self._told.saved, at=time.perf_counter())
            self._failover.resting = False
            if self._thread.is_alive():
                self._failover.begin()

    # What people do

    def submit(self, text: str) -> None:
        """Play this text, as if it had been saved; the file stays as it is."""
        with self._lock:
            newest = self._policy.newest
            if (
                text == newest.text
                and not self._told.status.errors
                and not self._policy.is_set_aside
                and not self._failover.outage.lasts
            ):
                return
            recent = {newest.version, *(known.version for known in (self._playing, self._policy.good) if known)}
            self._texts = {version: text for version, text in self._texts.items() if version in recent}
            newest = self._texts[newest.version + 1] = VersionedText(newest.version + 1, text)
            self._policy.save(newest, time.perf_counter())
            self._give(newest, keep=False, key="text")
            self._news.set()

    def edit(self, text: str) -> None:
        """Play this text and write it into the patch's file, if there is one. Raises GanzfeldError if the file holds
        something else than what plays: another program is just changing it."""
        if self._files.patch is not None:
            self._files.patch.write(self._policy.newest.text, text)
        self.submit(text)

    def learn(self, target: str | None = None) -> None:
        """The next control that is touched is to turn this (see `MidiLearn.learn`). Raises GanzfeldError."""
        if self.deafness:
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

    def _give(self, message: RenderMessage, *, key: Hashable = None, keep: bool = True) -> None:
        with self._lock:
            self._failover.post(self._journal.add(message, key=key, keep=keep), key)

    @property
    def addresses(self) -> frozenset[str]:
        """Every parameter that a hand may turn in the patch that plays."""
        return self._told.addresses

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

    def tap(self, at: float | None = None) -> None:
        """A hand taps the beat (`at`: perf_counter, default now): the first tap is a downbeat, from the third on there
        is a tempo. What the show follows knows better a moment later, but for the downbeat where it knows none."""
        at = time.perf_counter() if at is None else at
        tap = self._taps.tap(at)
        self.tempo(tap.bpm, tap.beat, at=at)

    def report(self, choose: Sequence[str], rate: float, hear: Hear) -> None:
        """Call `hear` after frames, at most `rate` times a second, with (at least) the values of these addresses:
        parameters, named signals, knobs and what came from outside."""
        with self._lock:
            self._listeners.add(choose, rate, hear)
            if (report := self._listeners.wanted) is not None:
                self._give(report, key="report", keep=False)

    def look_at_doors(self) -> tuple[tuple[DoorStatus, ...], MasterStatus]:
        """How every door and the master are."""
        return self.doors.statuses(), self.doors.master.status()

    def door(self, do: str, door: str, **options: Any) -> None:
        """Do what a page asks of a door (see `Routing.obey`). Raises GanzfeldError."""
        self.doors.obey(do, door, options)

    def page(self, picture: str) -> PageDoor | None:
        """What clean pages of an output see (see `Routing.page`)."""
        return self.doors.page(picture)

    def turns_master(self, address: str, value: Any = None) -> bool:
        return self.doors.master.turn(address, value)

    def heard_outside(self, address: str, value: Any = None, *, is_hit: bool = False) -> bool:
        return self.doors.master.hears(address, value, is_hit=is_hit)

    # What files say (a `FileListener`)

    def text_saved(self, text: str) -> None:
        """The patch's file was saved."""
        self.submit(text)

    def snapshots_read(self, bank: bytes) -> None:
        """The file of the snapshots was written by another program."""
        self._give(LoadSnapshots(bank), key="snapshots")

    def file_changed(self, path: str) -> None:
        """A file that the patch names changed."""
        custody = self._care.custody
        if custody.changed(path):
            custody.noticed(path, time.perf_counter())
            self._try_again(path)

    def _try_again(self, path: str) -> None:
        with self._lock:
            self._policy.forgive(time.perf_counter())
            # Not kept: another process reads the file as it is then.
            self._give(FileChanged(path), key=("notice", path), keep=False)

    # The render process

    def _hear(self, child: ChildProcess, message: Any) -> None:
        with self._lock:
            match message:
                case Ready():
                    child.ready = True
                case LogLine(logger, level, text):
                    logging.getLogger(logger).log(level, "%s", text)
                case _ if child is not self._failover.main or child.begun_with is None:
                    pass  # from a process that was replaced
                case Status():
                    self._take_status(child, message)
                case WatchFiles(files):
                    self._care.ask_for(files)
                case FilesSetAside(files):
                    self._care.custody.told(files)
                case NetworksKept(files):
                    self._care.keeps(files)
                case PatchAddresses():
                    self._told.take_addresses(message)
                case ReportedValues():
                    self._listeners.tell(message)
                case Desk():
                    self._told.desk = message
                case SnapshotsStored(bank):
                    self._files.store_snapshots(bank)
                case CheckpointSaved(number):
                    self._told.saved = message
                    self._journal.saved(number)
                case Failed(problem):
                    self._told.fail(problem)

    def _take_status(self, child: ChildProcess, status: Status) -> None:
        self._failover.told(child, status)
        if status.playing_version is not None:
            self._playing = self._texts.get(status.playing_version, self._playing)
        if status.outputs:
            self._main_output.show(status.outputs[0])
            self.doors.outputs(status.outputs)
        self._told.take_status(status)

    def _supervise(self) -> None:
        while not self._closing:
            self._news.wait(_LOOK_EVERY)
            self._news.clear()
            try:
                self._pulse.look(time.perf_counter())
                self.doors.look()
                if (asked := self._leading.look(self.doors.statuses())) is not None:
                    self._give(asked, key="refresh", keep=False)
                with self._lock:
                    if not self._closing:
                        self._failover.look(
                            self._playing,
                            self._told.status,
                            is_hopeless=self._told.failure is not None,
                            spare_after=SPARE_AFTER,
                        )
            except Exception:
                log.exception("the supervisor stumbled")
                time.sleep(0.5)

    def _own_problems(self) -> list[Problem]:
        """What the supervisor itself has to tell."""
        found = (*self._files.problems, self._dice.problem)
        own = [Problem.of(problem) for problem in found if problem]
        outage = self._failover.outage.problems(self._policy, time.perf_counter())
        return [*own, *self._care.custody.problems(), *outage]

    def _first_words(self) -> Iterator[Begin | Numbered]:
        """What a render process is told to go on from here."""
        fallback = None if self._policy.is_set_aside else self._playing
        yield self._options.begin(
            self._store.session,
            self._policy.text,
            fallback,
            self._told.saved,
            set_aside=self._care.custody.for_begin(),
            kept=self._care.kept if self._told.saved is not None else {},
            dark=self._dark,
        )
        yield from self._journal
        if (report := self._listeners.wanted) is not None:
            yield self._journal.add(report, keep=False)


def _closer(supervisor: Supervisor):
    """Closes the supervisor without keeping it alive."""
    reference = weakref.ref(supervisor)

    def close() -> None:
        with contextlib.suppress(Exception):
            if (alive := reference()) is not None:
                alive.close()

    return close
