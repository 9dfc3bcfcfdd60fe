"""The supervisor: everything of a running show but the rendering.

It owns the patch's newest text, the values that hands turned, the last checkpoint, the last frame, and the power to
start the render again. The render process may be killed, crash or hang at any time: a spare that has everything
imported takes over with the present text, the last checkpoint and every order given since it was made.

`relay.py` sees to that.
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

from ganzfeld.engine.snapshots.bank import decode_bank, encode_bank
from ganzfeld.engine.snapshots.file import SnapshotKeeper, snapshot_path
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.trust import TrustStore
from ganzfeld.process.child import Child
from ganzfeld.process.hands import Hands
from ganzfeld.process.learning import SNAPSHOT, Learning
from ganzfeld.process.messages import (
    Addresses,
    Begin,
    Failed,
    Line,
    Notice,
    Numbered,
    Order,
    Ready,
    Saved,
    Snapshots,
    Stored,
    Text,
    Trust,
    Values,
    Watched,
)
from ganzfeld.process.parts import Parts, torch_parts
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.process.relay import Relay
from ganzfeld.process.report import Hear, Listeners
from ganzfeld.process.restart_policy import Journal, Retreat
from ganzfeld.process.rolls import Rolls
from ganzfeld.process.screen import Screen, ShownFrame
from ganzfeld.process.watch import Change, Kind, Watcher
from ganzfeld.values.desk import Desk
from ganzfeld.values.frames import FrameStore
from ganzfeld.values.status import PatchSource, Problem, Status
from ganzfeld.values.taps import Taps

log = logging.getLogger(__name__)

SPARE_AFTER = 1.0
"""Seconds of playing before the spare is started, so that it does not slow the start."""
_LOOK_EVERY = 0.05


class Supervisor(Hands):
    """A running show: `start`, look, turn, `close`. Fits `studio.show.Show`; every method may be called by any thread.

    patch: the file that plays and is watched; or text: a patch without a file. name: what the person calls it.
    device: as `Engine`'s. fps, tempo (beats a minute, or what to follow): instead of the patch's own.
    trust_all: scripts run without being asked for. take: the file to record a take into.
    take_cameras: with what cameras show. sound: the file that drives the show, for the take to tell.
    hang_seconds: a render that makes no frame for this long, and for 20 times its slowest frame, is replaced.
    prepare: what a render process is made of.
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
        prepare: Callable[[], Parts] = torch_parts,
    ) -> None:
        self._file = PatchFile(patch) if patch else None
        self._path = self._file.path if self._file else None
        self.name = name or (patch.name if patch else "patch")
        self._device, self._fps, self._trust_all = device, fps, trust_all
        self._tempo = tempo
        self._taps = Taps()
        self._listeners = Listeners()
        self._take_cameras = take_cameras
        self._take, self._sound = take.absolute() if take else None, sound.absolute() if sound else None
        self._lock = threading.RLock()
        self._news = threading.Event()
        self._closing = False
        self._watcher = Watcher(self._file_changed)
        self._keeper = SnapshotKeeper(snapshot_path(self._path) if self._path else None)
        self._learning = Learning()
        self._desk = Desk()
        self.deafness = 'No MIDI is listened to; start with: ganzfeld play --midi "*"'
        """Why no control can be learned; "" if one can. Whoever listens to controllers says so here."""
        if self._file is not None:
            self._watcher.watch(self._own_files())  # before it is read: no save is missed
            text = self._file.read()
        self._retreat = Retreat(Text(1, text or ""), time.perf_counter())
        self._texts = {1: self._retreat.newest}
        self._rolls = Rolls(self._path, lambda: self._retreat.newest.text, self.submit)
        self._playing: Text | None = None
        self._journal = Journal()
        self._relay = Relay(
            self._retreat,
            self._journal,
            self._first_words,
            hear=self._hear,
            news=self._news.set,
            beats=lambda: self._store.beats,
            hang_seconds=hang_seconds,
            prepare=prepare,
        )
        self._saved: Saved | None = None
        self._status = Status()
        self._addresses: frozenset[str] = frozenset()
        self._counts: frozenset[str] | None = None
        self._counted: frozenset[str] | None = None
        self.failure: GanzfeldError | None = None
        """Why nothing can ever be played, or None."""
        self._store = FrameStore()
        self._screen = Screen(self._store.session)
        self._thread = threading.Thread(target=self._supervise, name="ganzfeld-supervisor", daemon=True)
        self._close_at_exit = _closer(self)

    @property
    def session(self) -> str:
        """The name under which `FrameReader` finds this show's outputs, in any process."""
        return self._store.session

    @property
    def render_pid(self) -> int | None:
        """The number of the process that renders."""
        main = self._relay.main
        return main.pid if main else None

    @property
    def spare_ready(self) -> bool:
        """Whether another process could take over at once."""
        spare = self._relay.spare
        return spare is not None and spare.ready

    def start(self) -> Supervisor:
        """Start rendering."""
        with self._lock:
            self._read_snapshots()
            self._relay.begin()
        self._watcher.start()
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
        self._watcher.close()
        self._keeper.write(float("inf"))
        self._relay.close()
        self._screen.close()
        self._store.close()

    def __enter__(self) -> Supervisor:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.close()

    # What viewers ask

    def latest(self, newer_than: int = -1) -> ShownFrame | None:
        """The main output's newest picture, or None if its number is not above `newer_than`."""
        return self._screen.latest(newer_than)

    def wait(self, newer_than: int = -1, timeout: float = 1.0) -> ShownFrame | None:
        """As `latest`, but waits up to `timeout` seconds for such a picture."""
        return self._screen.wait(newer_than, timeout)

    def status(self) -> Status:
        """How the show is doing now."""
        with self._lock:
            told, newest = self._status, self._retreat.newest
            width, height = self._screen.size
            return msgspec.structs.replace(
                told,
                follow=self.follow,
                errors=(*self._own_problems(), *told.errors),
                width=width,
                height=height,
                patch_name=self.name,
                patch_version=newest.version,
                render_alive=not self._relay.absence.lasts,
                rolled=self._rolls.rolled,
            )

    def patch_source(self) -> PatchSource:
        """The patch's newest text, whether it plays or not."""
        newest = self._retreat.newest
        return PatchSource(name=self.name, text=newest.text, version=newest.version)

    @property
    def known_time(self) -> tuple[float, float, float]:
        """The show was at second t at a time (perf_counter) and goes on at a speed, 0 while it is paused. Never waits,
        so that sound can follow it."""
        status = self._status
        return status.t, status.at, 0.0 if status.paused or not status.at else status.speed

    def desk(self) -> Desk:
        """Knobs, what is held by hand, snapshots, what is being learned: as they were a moment ago."""
        kept = self._keeper.path is not None  # a patch without a file has no place for snapshots
        return msgspec.structs.replace(self._desk, lesson=self._learning.lesson, kept=kept)

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
                self._rolls.roll()
            case "keep":
                self._rolls.keep()
            case "back":
                self._rolls.back()
            case "trust":
                self.trust(arguments.get("path", ""))
            case _:
                raise GanzfeldError(f"there is no command '{name}'")

    # What people do

    def submit(self, text: str) -> None:
        """Play this text, as if it had been saved; the file stays as it is."""
        with self._lock:
            newest = self._retreat.newest
            if (
                text == newest.text
                and not self._status.errors
                and not self._retreat.is_set_aside
                and not self._relay.absence.lasts
            ):
                return
            recent = {newest.version, *(known.version for known in (self._playing, self._retreat.good) if known)}
            self._texts = {version: text for version, text in self._texts.items() if version in recent}
            newest = self._texts[newest.version + 1] = Text(newest.version + 1, text)
            self._retreat.save(newest, time.perf_counter())
            self._give(newest, keep=False, key="text")
            self._news.set()

    def edit(self, text: str) -> None:
        """Play this text and write it into the patch's file, if there is one. Raises GanzfeldError if the file holds
        something else than what plays: somebody is just changing it."""
        if self._file is not None:
            self._file.write(self._retreat.newest.text, text)
        self.submit(text)

    def learn(self, target: str | None = None) -> None:
        """The next control that is touched (or the one that was touched first) is to turn this: the address of a knob
        or of a plain number in the text, or a snapshot ("snapshot:dawn"). Raises GanzfeldError if it cannot be."""
        if self.deafness:
            raise GanzfeldError("No control can be learned", hint=self.deafness)
        chosen = self._learning.begin(target)
        if chosen is not None:
            self._learned(chosen)
            return
        from ganzfeld.patch.language.editing import (
            numbers,  # takes a moment, the first time: the lesson has begun by then
        )

        try:
            found = numbers(self._retreat.newest.text, str(self._path) if self._path else None)
        except GanzfeldError:
            self._learning.end()
            raise
        self._learning.offer(tuple(found))

    def stop_learning(self) -> None:
        """Nothing is to be learned."""
        self._learning.end()

    def touched(self, control: str) -> float | None:
        """A control was touched while something is being learned: "cc 1/74" or "note 1/60". Returns the place (0 to 1)
        that it has to come by before it turns the knob it now belongs to. Raises GanzfeldError."""
        return self._learned(self._learning.touched(control))

    def _learned(self, lesson: tuple[str, str] | None) -> float | None:
        return self.connect(*lesson) if lesson is not None else None

    def connect(self, target: str, control: str | None) -> float | None:
        """Write down that a control (None: none) turns a knob or a number, or recalls a snapshot; as `touched`."""
        if target.startswith(SNAPSHOT):
            self.arrange("bind", target.removeprefix(SNAPSHOT), control)
            return None
        kind, _, place = (control or "cc ").partition(" ")
        if kind != "cc":
            raise GanzfeldError("A knob is turned by a controller, not by a note", hint="Touch a knob or a fader")
        from ganzfeld.patch.language.editing import with_control

        with self._lock:
            known = {knob.address: knob for knob in self._desk.knobs}.get(target)
            held = self._desk.held.get(target)
            value = held if isinstance(held, int | float) else None
            file = str(self._path) if self._path else None
            edited = with_control(self._retreat.newest.text, target, place or None, value=value, file=file)
            self.edit(edited.text)
            if known is None:
                self.arrange("move", target, edited.address)
        return known.position if known is not None else edited.position

    def trust(self, path: str) -> None:
        """Let a script run that waits for permission, now and in future. Raises GanzfeldError if it does not wait."""
        if path not in self._status.pending_trust:
            raise GanzfeldError("no script of this name waits for permission")
        TrustStore().trust(Path(path))
        self._give(Trust(path), key=("trust", path))

    def restart(self) -> None:
        """Replace the render process, with everything kept."""
        with self._lock:
            if self._relay.main is not None:
                log.info("the render process is replaced, as asked")
                self._relay.replace("as asked", counts=False)

    def _give(self, order: Order, *, key: Hashable = None, keep: bool = True) -> None:
        with self._lock:
            self._relay.post(self._journal.add(order, key=key, keep=keep), key)

    @property
    def addresses(self) -> frozenset[str]:
        """Every parameter that a hand may turn in the patch that plays."""
        return self._addresses

    @property
    def counted(self) -> frozenset[str] | None:
        """Addresses whose hits the patch that plays, and the one before it, count; None: nothing has played yet."""
        return self._counted

    @property
    def follow(self) -> str | None:
        """What the tempo is taken from: "tap", "midi", "audio", "link", or None: the patch's text and hands."""
        if self._tempo is None:
            return self._status.follow
        return self._tempo if isinstance(self._tempo, str) else None

    @property
    def expected(self) -> float | None:
        """About how fast what the tempo is taken from may be: `bpm(90, "audio")` expects 90."""
        return self._status.expected

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

    # Files

    def _file_changed(self, change: Change) -> None:
        if change.path == self._keeper.path:
            self._read_snapshots()
        elif self._file is None or change.path != self._file.path:
            self._give(Notice(str(change.path)), key=("notice", change.path))
        elif (text := self._file.changed(change)) is not None:
            self.submit(text)

    def _watch(self, files: Sequence[str]) -> None:
        kinds: dict[Path, Kind] = {Path(file): "script" if file.endswith(".py") else "data" for file in files}
        self._watcher.watch(kinds | self._own_files())

    def _own_files(self) -> dict[Path, Kind]:
        files: dict[Path, Kind] = {self._path: "patch"} if self._path else {}
        if self._keeper.path is not None:
            files[self._keeper.path] = "data"
        return files

    def _read_snapshots(self) -> None:
        bank = self._keeper.read()
        if bank is not None:
            self._give(Snapshots(encode_bank(bank)), key="snapshots")

    # The render process

    def _hear(self, child: Child, message: Any) -> None:
        with self._lock:
            match message:
                case Ready():
                    child.ready = True
                case Line(logger, level, text):
                    logging.getLogger(logger).log(level, "%s", text)
                case _ if child is not self._relay.main or child.begun_with is None:
                    pass  # the last words of one that was replaced
                case Status():
                    self._take_status(child, message)
                case Watched(files):
                    self._watch(files)
                case Addresses(addresses, hits):
                    self._addresses = frozenset(addresses)
                    # The patch before may be fading out: it counts on.
                    before, self._counts = self._counts, frozenset(hits)
                    self._counted = self._counts | (before or frozenset())
                case Values():
                    self._listeners.tell(message)
                case Desk():
                    self._desk = message
                case Stored(bank):
                    self._keeper.stored(decode_bank(bank))
                    self._news.set()
                case Saved(number):
                    self._saved = message
                    self._journal.saved(number)
                case Failed(problem):
                    self.failure = problem.error()
                    self._status = Status(phase="loading", errors=(problem,))

    def _take_status(self, child: Child, status: Status) -> None:
        self._relay.told(child, status)
        if status.playing_version is not None:
            self._playing = self._texts.get(status.playing_version, self._playing)
        if status.outputs:
            self._screen.show(status.outputs[0])
        if (
            status.phase != "playing" and not status.outputs
        ):  # nothing plays yet: what played before a restart is still the truth for viewers
            status = _keep_numbers(self._status, status)
        self._status = status

    def _supervise(self) -> None:
        while not self._closing:
            self._news.wait(_LOOK_EVERY)
            self._news.clear()
            try:
                self._keeper.write(time.perf_counter())
                with self._lock:
                    if not self._closing:
                        hopeless = self.failure is not None
                        self._relay.look(self._playing, self._status, is_hopeless=hopeless, spare_after=SPARE_AFTER)
            except Exception:
                log.exception("the supervisor stumbled")
                time.sleep(0.5)

    def _own_problems(self) -> list[Problem]:
        """What the supervisor itself has to tell."""
        found = (self._file and self._file.problem, self._keeper.problem, self._rolls.problem)
        own = [Problem.of(problem) for problem in found if problem]
        return [*own, *self._relay.absence.problems(self._retreat, time.perf_counter())]

    def _first_words(self) -> Iterator[Begin | Numbered]:
        """What a render process is told to go on from here."""
        text, fallback = self._retreat.text, None if self._retreat.is_set_aside else self._playing
        saved = self._saved
        yield Begin(
            session=self._store.session,
            text=text,
            path=str(self._path) if self._path else None,
            fallback=fallback if fallback is not None and fallback.version != text.version else None,
            device=self._device,
            fps=self._fps,
            trust_all=self._trust_all,
            checkpoint=saved.data if saved else None,
            clock=saved.clock if saved else None,
            saved_at=saved.at if saved else 0.0,
            take=str(self._take) if self._take else None,
            name=self.name,
            sound=str(self._sound) if self._sound else "",
            take_cameras=self._take_cameras,
            bpm=None if self._tempo is None or isinstance(self._tempo, str) else self._tempo,
        )
        yield from self._journal
        if (report := self._listeners.wanted) is not None:
            yield self._journal.add(report, keep=False)


def _keep_numbers(before: Status, status: Status) -> Status:
    return msgspec.structs.replace(
        before,
        phase=status.phase,
        opened_in=status.opened_in,
        errors=status.errors,
        fps=0.0,
        pending_trust=status.pending_trust,
    )


def _closer(supervisor: Supervisor):
    """Closes the supervisor without keeping it alive."""
    reference = weakref.ref(supervisor)

    def close() -> None:
        with contextlib.suppress(Exception):
            if (alive := reference()) is not None:
                alive.close()

    return close
