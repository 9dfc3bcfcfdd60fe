"""One show being rendered, in the render process: does what the supervisor's messages ask for, tells what happens."""

from __future__ import annotations

import gc
import logging
import math
import queue
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.engine.snapshots.bank import encode_bank
from ganzfeld.errors import GanzfeldError, OutputError, PatchError
from ganzfeld.patch.addresses import counted_hits, read_addresses
from ganzfeld.patch.graph import Graph
from ganzfeld.process.atlas_writer import AtlasWriter
from ganzfeld.process.card_shares import CardShares
from ganzfeld.process.darkness import Darkness
from ganzfeld.process.dependencies import Dependencies
from ganzfeld.process.desk_reader import DeskReader
from ganzfeld.process.file_reports import FileReports
from ganzfeld.process.loop import Loop
from ganzfeld.process.messages import (
    ArrangeSnapshots,
    Begin,
    CheckpointSaved,
    Dark,
    FileChanged,
    FollowRefresh,
    LeastRate,
    LoadSnapshots,
    LookAt,
    Numbered,
    OutsideHit,
    PatchAddresses,
    Pause,
    RecordTake,
    ReleaseParameter,
    RenderMessage,
    ReportValues,
    Seek,
    SetOutside,
    SetParameter,
    ShareOnCard,
    SnapshotsStored,
    Speed,
    Stop,
    Tempo,
    TrustScript,
    VersionedText,
)
from ganzfeld.process.read_back import ReadBack
from ganzfeld.process.render_inbox import RenderInbox
from ganzfeld.process.show_takes import ShowTakes
from ganzfeld.process.table_teller import TableTeller
from ganzfeld.process.value_reports import Reporter
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.values.desk import Desk
from ganzfeld.values.hazards import NeverReturned
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.status import Phase, Problem, Status
from ganzfeld.values.time import Clock, Moment

if TYPE_CHECKING:
    from ganzfeld.engine.engine import Engine

log = logging.getLogger(__name__)
said, refused = RepeatedLog(log), RepeatedLog(log)
"""Of the loop; of messages, which must not use up what the loop may say in a minute."""

STATUS_SECONDS = 0.2
DESK_SECONDS = 0.05
CHECKPOINT_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between attempts to open a patch while nothing plays."""
FPS_WITHOUT_PATCH = 30.0
TEXTS_KEPT = 10
"""Of so many of the newest versions the text is known, for the take to tell what plays."""
FAILURES_BEFORE_GIVING_UP = 3
"""Frames in a row that could not be made *or* handed out. A lost device fails every call until the process ends."""


class Render:
    """One show being rendered; drives the engine as the loop's `LoopBody`."""

    def __init__(self, begin: Begin, dependencies: Dependencies, pipe: MessagePipe, inbox: RenderInbox) -> None:
        self._begin, self._dependencies, self._pipe, self._inbox = begin, dependencies, pipe, inbox
        self._path: Path | None = None
        self._phase: Phase = "loading"
        self._say(Status(phase="loading"))
        self._engine: Engine = dependencies.engine(begin)
        inbox.hazards = self._engine.hazards
        self._engine.set_aside.update({Path(path): why for path, why in begin.set_aside.items()})
        self._engine.kept.update({Path(path): Path(kept) for path, kept in begin.kept.items()})
        self._writer = dependencies.writer(begin.session, self._engine.device)
        self._engine.expect_with(self._writer.prepare)
        self._read_back = ReadBack(self._writer, dependencies.copy)
        self._cards = CardShares(begin.session, dependencies.card)
        self._cards.ask(begin.card_shares)
        self._atlas = AtlasWriter(begin.session, dependencies, self._engine, pipe)
        self._clock, self._stood = Clock(), False
        self._texts: dict[int, VersionedText] = {}
        self._version: int | None = None
        self._load_problem: GanzfeldError | None = None
        self._is_unforeseen = False
        """Whether that is no fault of the patch: then the process itself may be damaged (by a script)."""
        self._output_problem: GanzfeldError | None = None
        self._failures = 0
        self._number = 0
        self._least_fps = begin.least_fps
        self._opened_in = 0.0
        self._ended = False
        self._darkness = Darkness(begin.dark)
        self._checkpoint = begin.checkpoint
        """What is taken up as soon as a patch plays."""
        self._newest = begin.text
        self._try_at, self._pause = 0.0, FIRST_PAUSE
        self._said: tuple = ()
        self._said_at = self._saved_at = 0.0
        self._files = FileReports(pipe.post, begin.set_aside)
        self._table = TableTeller(pipe.post)
        self._reporter = Reporter()
        self._desk_reader, self._desk, self._desk_at = DeskReader(), Desk(), 0.0
        self._frame_at = 0.0
        self._load(begin)
        self._bank_version = self._engine.snapshots.version
        self._tempo: tuple[float | None, str | None] | None = None
        behind = 0.0
        if begin.clock is None:
            self._clock.bpm = begin.bpm or self._clock.bpm
            self._follow_tempo()
        else:
            self._tempo = self._engine.bpm, self._engine.follow
            self._clock.restore(dict(begin.clock))
            behind = max(0.0, time.perf_counter() - begin.saved_at)
        self._loop = Loop(self, self._clock, fps=self._fps(), behind=behind, on_device=self._seconds_on_device)
        self._takes = ShowTakes(begin, self._engine, self._loop, lambda: self._path, self._texts)

    def run(self) -> None:
        """Play until told to stop."""
        gc.freeze()
        try:
            while not self._ended:
                self._loop.step()
            if self._is_unforeseen:
                raise RuntimeError(self._load_problem.what if self._load_problem else "")
        finally:
            self._cards.close()
            self._takes.close()
            self._engine.close()
            self._atlas.close()
            self._writer.close()

    # The patch

    def _load(self, begin: Begin) -> None:
        """The newest text; the last good one if that cannot be built. In the midst of a show rather without some of its
        files than an older text, or nothing at all: they are opened when they can be. (A text that was refused before
        stays refused.)"""
        engine = self._engine
        self._take_text(begin.text)
        problem = self._load_problem
        if engine.patch is None and not begin.refused:
            self._take_without_files(begin.text)
        plays_newest = engine.patch is not None
        if engine.patch is None and begin.fallback is not None:
            self._take_text(begin.fallback)
        if engine.patch is None:
            self._take_without_files(begin.fallback or begin.text)
        if engine.patch is None:
            self._load_problem = problem
            return
        if not plays_newest:
            self._submit(begin.text)  # so that its error shows
        self._take_up()

    def _take_without_files(self, text: VersionedText) -> None:
        """Play a text without what cannot be opened, if it goes on with a show."""
        if self._begin.checkpoint is not None:
            self._engine.does_without = True
            self._take_text(text)
            self._engine.does_without = False

    def _take_up(self) -> None:
        """Go on from where the process before was."""
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is not None:
            try:
                self._engine.restore(checkpoint)
            except Exception:
                log.exception("the checkpoint could not be taken up")

    def _try_again(self, now: float) -> None:
        """Nothing plays, because something could not be opened: try it again, with growing pauses. (It is tried at once
        when one of the files changes that the patch asked for.)"""
        if self._engine.patch is not None:
            if self._checkpoint is not None:
                self._take_up()
            self._load_problem, self._pause = None, FIRST_PAUSE
            if self._engine.is_damaged:
                self._save(now)
                self._load_problem = PatchError(
                    "a script has damaged this process: no text can be built in it any more"
                )
                self._is_unforeseen = self._ended = True
        elif self._is_unforeseen and self._checkpoint is not None:
            self._ended = True  # in the midst of a show: another process may do better, and its supervisor knows when
        elif self._load_problem is not None and now >= self._try_at:
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
            self._try_at = now + self._pause
            self._submit(self._newest)

    def _take_text(self, text: VersionedText) -> None:
        """Play a text when nothing plays: there is no show to disturb."""
        began = time.perf_counter()
        self._is_unforeseen = False
        try:
            self._keep(text)
            self._path = _file_of(text)
            # A picture soon rather than the fast one; but a take's first frame is one that a replay makes, too.
            begins = self._begin.take is None and self._begin.checkpoint is None
            plain = begins and self._dependencies.is_compiling(self._engine.device)
            self._engine.load(text.text, self._path, version=text.version, without_kernels=plain)
            if plain:
                self._engine.submit(text.text, self._path, anew=True, version=text.version, at_once=True)
            self._load_problem = None
            self._opened_in = time.perf_counter() - began
            self._phase = "opened"
            self._say(Status(phase="opened", opened_in=self._opened_in))
            return
        except GanzfeldError as error:
            self._load_problem = error
        except (Exception, NeverReturned) as error:
            log.exception("the patch could not be opened")
            self._is_unforeseen = isinstance(error, Exception)
            self._load_problem = PatchError(f"Opening the patch failed: {type(error).__name__}: {error}")
        # What hung may be mended by now: then nobody waits.
        self._try_at = time.perf_counter() + (0.0 if self._engine.hazards.is_mended else self._pause)

    def _submit(self, text: VersionedText) -> None:
        """Play a text when the engine has read and built it, on a thread of its own."""
        self._keep(text)
        path = _file_of(text)
        anew, self._path = path != self._path, path  # in another folder the same names are other files
        self._engine.submit(text.text, path, anew=anew, version=text.version, at_once=text.at_once)

    def _keep(self, text: VersionedText) -> None:
        self._texts[text.version] = text
        if len(self._texts) > TEXTS_KEPT:
            del self._texts[min(self._texts)]

    def _seconds_on_device(self) -> float:
        return self._engine.frame_seconds

    def _fps(self) -> float:
        wanted = [out.fps for out in self._engine.outs.values()]
        return max(self._least_fps, self._begin.fps or max(wanted, default=FPS_WITHOUT_PATCH))

    # The loop's body

    def listen(self) -> None:
        """Do what arrived."""
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                break
            if isinstance(message, Numbered):
                try:
                    self._obey(message.message)
                except GanzfeldError as error:
                    refused.warning(str(error))
                except Exception:
                    refused.exception(f"{type(message.message).__name__} could not be done")
                self._number = message.number
            elif message is None:
                self._ended = True

    def _obey(self, message: RenderMessage) -> None:
        engine = self._engine
        match message:
            case SetOutside(address, value):
                engine.outside.set(address, value)
            case OutsideHit("/snapshot/store", (name, *_)) if engine.patch is not None:
                engine.store(name)  # now, between the turns before it and those behind it
            case OutsideHit(address, arguments, named):
                engine.outside.hit(address, *arguments, **named)
            case SetParameter(address, value):
                engine.set(address, value)
            case ReleaseParameter(address):
                engine.release(address)
            case LoadSnapshots(bank, anew):
                engine.load_snapshots(bank, anew)
                self._bank_version = engine.snapshots.version
            case ArrangeSnapshots(what, arguments):
                engine.arrange(what, *arguments)
            case VersionedText():
                self._newest = message
                if engine.patch is None:
                    self._take_text(message)
                else:
                    self._submit(message)
            case FileChanged(path):
                engine.notice(Path(path))
            case TrustScript(path):
                engine.trust(Path(path))
            case Dark(dark):
                self._darkness.on = dark
            case ShareOnCard(shares):
                self._cards.ask(shares)
            case RecordTake():
                self._takes.ask(message)
            case ReportValues():
                self._reporter.ask(message)
            case LookAt():
                self._atlas.look(message)
            case Stop():
                self._ended = True
            case _:
                self._keep_time(message)

    def _keep_time(self, message: RenderMessage) -> None:
        clock = self._clock
        match message:
            case Pause(paused):
                clock.paused = paused
            case Seek(t):
                clock.seek(t)
            case Speed(speed):
                clock.speed = speed
            case Tempo(bpm, beat, every, at):
                clock.bpm = bpm or clock.bpm
                if beat is not None:
                    clock.meet(beat + (time.perf_counter() - at) * clock.bpm / 60, every)
            case FollowRefresh(at, rate):
                self._loop.follow(at, rate)
            case LeastRate(fps):
                self._least_fps = fps

    def frame(self, moment: Moment) -> None:
        """Make and publish this moment's frame."""
        self._frame_at = time.perf_counter()
        self._writer.beat()
        try:
            pictures = self._engine.frame(moment)
            shown = self._darkness.over(pictures)
            self._cards.begin(shown, moment)
            self._read_back.begin(shown, moment)
            self._atlas.hand_out(moment)
            self._output_problem, self._failures = self._read_back.problem, 0
            if self._reporter.due(self._frame_at):
                sources = (self._engine.outside.values(), self._engine.values)
                self._pipe.post(self._reporter.values(moment, self._frame_at, *sources), key="values")
            if pictures:
                self._phase = "playing"
        except OutputError as error:
            self._output_problem = error
        except Exception:
            self._failed()
            if self._failures >= FAILURES_BEFORE_GIVING_UP:
                raise

    def _failed(self) -> None:
        said.exception("a frame could not be made or handed out")
        self._failures += 1

    def finish(self) -> None:
        """Wait for the frame that the device is at work on, and publish it."""
        try:
            self._cards.finish()
            self._read_back.finish()
            self._atlas.finish()
        except Exception:
            self._failed()

    def rest(self) -> None:
        """Follow the patch's tempo and rate; report."""
        try:
            self._follow_and_report()
        except Exception:
            said.exception("the render could not report")

    def _follow_and_report(self) -> None:
        engine = self._engine
        self._follow_tempo()
        # What plays without its kernels for a while says nothing of the rate that will be reached.
        self._loop.set_fps(self._fps(), math.inf if engine.is_plain else engine.hold or 0.0)
        patch = engine.patch
        version = patch.version if patch is not None else self._version
        reloaded, self._version = version != self._version, version
        if reloaded and engine.graph is not None:
            self._pipe.post(addresses_of(engine.graph), key="addresses")
            self._table.tell(engine.graph)
        self._takes.look()
        now = time.perf_counter()
        self._try_again(now)
        stored = self._tell_desk(now)
        # A pause is kept at once: the next process would else find that time went on until it was begun.
        stopped, self._stood = self._clock.paused != self._stood, self._clock.paused
        if patch is not None and (reloaded or stored or stopped or now - self._saved_at >= CHECKPOINT_SECONDS):
            self._saved_at = now
            self._save(now)
        problems = (
            self._load_problem,
            self._output_problem,
            self._takes.problem,
            *self._cards.problems,
            *engine.problems,
        )
        news = (
            self._phase,
            version,
            (self._newest.version, engine.is_building, *engine.ready),
            tuple(dict.fromkeys(Problem.of(problem) for problem in problems if problem is not None)),
            tuple(str(path) for path in engine.pending_trust),
            self._clock.paused,
        )
        if news != self._said or now - self._said_at >= STATUS_SECONDS:
            self._said, self._said_at = news, now
            self._say(self._status(*news))
            self._files.tell(engine, plays=self._phase == "playing")

    def _tell_desk(self, now: float) -> bool:
        """What hands stand at, when that has changed. Returns whether snapshots did: then a checkpoint is due, so that
        nothing is stored twice."""
        snapshots = self._engine.snapshots
        stored, self._bank_version = snapshots.version != self._bank_version, snapshots.version
        if stored:
            self._pipe.post(SnapshotsStored(encode_bank(snapshots.bank)), key="stored")
        if stored or now - self._desk_at >= DESK_SECONDS:
            desk, self._desk_at = self._desk_reader.look(self._engine), now
            if desk != self._desk:
                self._desk = desk
                self._pipe.post(desk, key="desk")
        return stored

    def _follow_tempo(self) -> None:
        """The tempo of the text, when that has changed; until then what hands and clocks made of it holds."""
        tempo = self._engine.bpm, self._engine.follow
        if tempo != self._tempo:
            self._tempo = tempo
            if tempo[0] is not None and self._begin.bpm is None:
                self._clock.bpm = tempo[0]

    def _status(
        self, phase: Phase, version: int | None, coming: tuple, errors: tuple, pending: tuple, paused: bool
    ) -> Status:
        measure, clock = self._loop.measure(), self._clock
        heard, is_building, ready, beats = coming
        return Status(
            phase=phase,
            playing_version=version,
            heard_version=heard,
            is_building=is_building,
            ready_version=ready,
            ready_beats=beats,
            opened_in=self._opened_in,
            fps=measure.fps,
            rate=self._loop.fps,
            division=self._loop.division,
            frame_ms=max(measure.median_ms, 1000 * self._engine.frame_seconds),
            worst_ms=measure.worst_ms,
            halvings=self._engine.halvings,
            skipped=measure.skipped,
            dropped=self._writer.dropped,
            frame=clock.frame,
            t=clock.t,
            beat=clock.beat,
            bpm=clock.bpm,
            at=self._frame_at,
            follow=self._engine.follow,
            expected=self._engine.bpm if self._engine.follow else None,
            floor=self._engine.floor,
            paused=paused,
            speed=clock.speed,
            device=str(self._engine.device),
            outputs=tuple(self._engine.outs),
            errors=errors,
            pending_trust=pending,
        )

    def _say(self, status: Status) -> None:
        self._pipe.post(status, key="status")

    def _save(self, now: float) -> None:
        try:
            data = self._engine.checkpoint()
        except Exception:
            said.exception("no checkpoint could be made")
            return
        self._pipe.post(CheckpointSaved(self._number, data, self._clock.checkpoint(), now), key="saved")
        self._takes.checkpoint(data)


def addresses_of(graph: Graph) -> PatchAddresses:
    """What a patch has addresses for."""
    return PatchAddresses(tuple(graph.slots), tuple(counted_hits(graph)), tuple(read_addresses(graph)))


def _file_of(text: VersionedText) -> Path | None:
    """The file that a text is of."""
    return Path(text.path) if text.path else None
