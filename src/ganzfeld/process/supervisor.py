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
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.process import compile_ahead
from ganzfeld.process.atlas_store import AtlasStore
from ganzfeld.process.child_process import ChildProcess
from ganzfeld.process.controlled_show import ControlledShow
from ganzfeld.process.darkening import show_black
from ganzfeld.process.dependencies import Dependencies, torch_dependencies
from ganzfeld.process.descriptors import make_room
from ganzfeld.process.document.document import Document
from ganzfeld.process.failover import Failover
from ganzfeld.process.file_care import FileCare
from ganzfeld.process.kept_show import Elsewhere, KeptShow, SignOfLife, read_kept
from ganzfeld.process.live_dice import LiveDice
from ganzfeld.process.main_output import MainOutput
from ganzfeld.process.messages import (
    AtlasLaidOut,
    Begin,
    CardShare,
    CheckpointSaved,
    Dark,
    Ends,
    Failed,
    FileChanged,
    FilesSetAside,
    LeastRate,
    LoadSnapshots,
    NetworksKept,
    Numbered,
    PatchAddresses,
    PatchTable,
    Ready,
    RenderMessage,
    ReportedValues,
    ShareOnCard,
    SnapshotsStored,
    VersionedText,
    WatchFiles,
)
from ganzfeld.process.midi_learn import MidiLearn
from ganzfeld.process.options import ShowOptions
from ganzfeld.process.preview_process import PreviewOptions
from ganzfeld.process.previewer import Previewer
from ganzfeld.process.pulse_watch import PulseWatch
from ganzfeld.process.refresh_follower import LeadingDoor
from ganzfeld.process.render_state import RenderState
from ganzfeld.process.restart_policy import Journal, RestartPolicy
from ganzfeld.process.routing import Routing
from ganzfeld.process.show_files import ShowFiles
from ganzfeld.process.show_previews import ShowPreviews
from ganzfeld.process.take_watch import free_take
from ganzfeld.process.value_reports import Listeners
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.takes.file import SUFFIX as TAKE_SUFFIX
from ganzfeld.values.desk import Desk
from ganzfeld.values.frames import FrameStore
from ganzfeld.values.hazards import HazardBoard
from ganzfeld.values.inputs import Inputs
from ganzfeld.values.piped_log import LogLine
from ganzfeld.values.sound_ring import SoundWriter
from ganzfeld.values.status import Status
from ganzfeld.values.taps import Taps

log = logging.getLogger(__name__)
said = RepeatedLog(log)

SPARE_AFTER = 1.0
"""Seconds of playing before the spare is started, so that it does not slow the start."""
_LOOK_EVERY = 0.05


class Supervisor(ControlledShow):
    """A running show, from `start` to `close`. Every method may be called by any thread.

    patch: the file that plays and is watched; or text: a patch without a file. name: what the person calls it.
    device: as `Engine`'s. fps, tempo (beats a minute, or what to follow): instead of the patch's own.
    trust_all: scripts run without being asked for. take: the file to record a take into.
    take_cameras: with what cameras show. sound: the file that drives the show, for the take to tell.
    sources: machines that streams may come from.
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
        sources: Iterable[str] = (),
        hang_seconds: float = 15.0,
        prepare: Callable[[], Dependencies] = torch_dependencies,
        keep_in: Path | None = None,
    ) -> None:
        before = read_kept(keep_in) if keep_in is not None else None
        self._home = patch.absolute() if patch else None, name or (patch.name if patch else "patch")
        if before is not None and (elsewhere := before.elsewhere) is not None:
            patch, text, name = Path(elsewhere.path) if elsewhere.path else None, elsewhere.disk, elsewhere.name
        self._files = ShowFiles(patch, self)
        path = self._files.patch.path if self._files.patch else None
        self.name = name or (patch.name if patch else "patch")
        if before is not None and before.takes:  # what is in the take before stays as it is: its clock was another
            with contextlib.suppress(GanzfeldError):  # what plays counts more
                take = free_take(take or self._beside(TAKE_SUFFIX))
        self._options = ShowOptions(
            path,
            self.name,
            device,
            fps,
            tempo,
            trust_all,
            take,
            take_cameras=take_cameras,
            sound=sound,
            sources=tuple(sources),
        )
        self._last_file = path or self._home[0]
        self._taps = Taps()
        self._listeners = Listeners()
        self._lock = threading.RLock()
        self._moving = threading.Lock()
        """Held while the show goes over to another patch."""
        self._news = threading.Event()
        self._closing = False
        self.deafness = 'No MIDI is listened to; start with: ganzfeld play --midi "*"'
        self.osc_dropped: Callable[[], tuple[int, str]] = lambda: (0, "")
        self.inputs: Callable[[], Inputs] = Inputs
        self.hear_file: Callable[[Path], None] = _hears_nothing
        self.silence_below: Callable[[float], None] = _hears_nothing
        self.listen_to: Callable[[str], None] = _hears_nothing
        if self._files.patch is not None:
            text = self._files.patch.read(before.text if before else None)
        self.document = Document(
            self.name,
            text or "",
            self._files.patch,
            newest=lambda: self._policy.newest.text,
            playing=lambda: (self._playing or self._policy.newest).text,
            play=self._play,
        )
        self._policy = RestartPolicy(
            VersionedText(1, self.document.first_played, self._options.file), time.perf_counter()
        )
        self._texts = {1: self._policy.newest}
        self._learning = MidiLearn(self, self._options.file, self.document.lock)
        self._dice = LiveDice(path, lambda: self._policy.newest.text, self.document)
        self._playing: VersionedText | None = self._fallback()
        self._put_off: set[str] = set()
        self._journal = Journal()
        self._store = FrameStore()
        self._hazards = HazardBoard(self._store.session, create=True)
        self._care = FileCare(
            self._files,
            self._hazards,
            changed=self._try_again,
            show=self.to_keep,
            keep_in=keep_in,
            also=self.document.look,
            take=take,
        )
        self._dark = False
        self._sign = SignOfLife()
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
            self._playing = self._texts[0] = VersionedText(0, before.text, path=self._options.file)
        self._previewer = Previewer(
            lambda: (self._told.saved, self._told.moment),
            lambda: PreviewOptions(self._told.status.device or device, self._options.sources),
        )
        self.previews = ShowPreviews(
            self._previewer,
            self.document,
            self._dice,
            newest=lambda: self._policy.newest,
            playing=lambda: self._playing or self._policy.newest,
        )
        self.doors = Routing(self._store)
        self._leading = LeadingDoor()
        self._asked_rate = 0.0
        self._asked_shares: tuple[CardShare, ...] = ()
        self.sound = SoundWriter(self._store.session)
        """Where doors hear what the show hears; whoever hears it writes it."""
        self._main_output = MainOutput(self._store.session)
        self._atlas = AtlasStore(self._store.session)
        self._thread = threading.Thread(target=self._supervise, name="ganzfeld-supervisor", daemon=True)
        self._close_at_exit = _closer(self)

    @property
    def session(self) -> str:
        """The name under which `FrameReader` finds this show's outputs, in any process."""
        return self._store.session

    def start(self) -> Supervisor:
        """Start rendering."""
        make_room()
        # Only for a show: for a `Player` and the render of a take a pause does not matter.
        compile_ahead.begin(self._options.device, self._policy.newest.text, self._options.file)
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
        self._dice.end()
        self.document.close()
        self._previewer.close()
        self.doors.close()
        self._failover.close()
        self._main_output.close()
        self._atlas.close()
        self._hazards.remove()
        self.sound.close()
        self._store.close()

    def __enter__(self) -> Supervisor:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.close()

    def to_keep(self) -> KeptShow | None:
        """What to write down, to go on from if this process ends; None before anything has played."""
        with self._lock:
            text, saved = self._policy.good or self._playing, self._told.saved
            if text is None:
                return None
            checkpoint, clock = (saved.data, saved.clock) if saved else (None, {})
            path, name = self._options.path, self.name
            elsewhere = None
            if (path, name) != self._home:
                elsewhere = Elsewhere(name, str(path) if path else None, self.document.disk)
            return KeptShow(
                text=text.text,
                elsewhere=elsewhere,
                takes=self._options.take is not None,
                checkpoint=checkpoint,
                clock=clock,
                kept=self._care.kept,
            )

    def _fallback(self) -> VersionedText | None:
        """The file's text, where a show begins with what played before a crash."""
        text = self.document.disk
        return VersionedText(0, text, self._options.file) if text != self._policy.newest.text else None

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

    def _give(self, message: RenderMessage, *, key: Hashable = None, keep: bool = True) -> None:
        with self._lock:
            self._failover.post(self._journal.add(message, key=key, keep=keep), key)
        self._previewer.overhear(message, key)

    # What files say (a `FileListener`)

    def text_saved(self, text: str) -> None:
        """The patch's file was saved by another program."""
        self.document.saved_elsewhere(text)

    def snapshots_read(self, bank: bytes, *, anew: bool = False) -> None:
        """The file of the snapshots was written by another program; anew: the show goes over to another patch."""
        self._give(LoadSnapshots(bank, anew), key=("snapshots", anew))

    def file_changed(self, path: str) -> None:
        """A file that the patch names changed, or a part of one."""
        custody, whole = self._care.custody, self._care.whole_of(path)
        is_part, path = whole != path, whole
        if custody.changed(path, in_part=is_part):
            custody.noticed(path, time.perf_counter())
            self._try_again(path)

    def _try_again(self, path: str) -> None:
        with self._lock:
            self._policy.forgive(time.perf_counter())
            self._failover.mended(path)
            # Not kept: another process reads the file as it is then.
            self._give(FileChanged(path), key=("notice", path), keep=False)

    # The render process

    def _hear(self, child: ChildProcess, message: Any) -> None:
        with self._lock:
            match message:
                case Ready():
                    child.ready = True
                case Ends(reason):
                    child.last_words = reason
                case LogLine(logger, level, text):
                    logging.getLogger(logger).log(level, "%s", text)
                case _ if child is not self._failover.main or child.begun_with is None:
                    pass  # from a process that was replaced
                case Status():
                    self._take_status(child, message)
                case WatchFiles(files, stamps, parts):
                    self._care.ask_for(files, stamps, parts)
                case FilesSetAside(files):
                    self._care.custody.told(files)
                case NetworksKept(files):
                    self._care.keeps(files)
                case PatchAddresses():
                    self._told.take_addresses(message)
                case PatchTable():
                    self._told.take_table(message)
                case ReportedValues():
                    self._listeners.tell(message)
                case AtlasLaidOut():
                    self._atlas.laid_out(message)
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
                self._sign.give(time.perf_counter())
                self._pulse.look(time.perf_counter())
                self.doors.look()
                if (asked := self._leading.look(self.doors.statuses())) is not None:
                    self._give(asked, key="refresh", keep=False)
                self._ask_for_doors()
                with self._lock:
                    if not self._closing:
                        self._failover.look(
                            self._playing,
                            self._told.status,
                            is_hopeless=self._told.failure is not None,
                            spare_after=SPARE_AFTER,
                        )
            except Exception:
                said.exception("the supervisor stumbled")
                time.sleep(0.5)

    def _ask_for_doors(self) -> None:
        """Render as often as the most demanding door asks for, and share on the card what doors ask for."""
        if (shares := self.doors.card_shares) != self._asked_shares:
            self._asked_shares = shares
            self._give(ShareOnCard(shares), key="shares", keep=False)
        if (rate := self.doors.highest_rate) != self._asked_rate:
            self._asked_rate = rate
            self._give(LeastRate(rate), key="rate", keep=False)

    def _first_words(self) -> Iterator[Begin | Numbered]:
        """What a render process is told to go on from here."""
        fallback = None if self._policy.is_set_aside else self._playing
        yield self._options.begin(
            self._store.session,
            self._policy.text,
            fallback,
            self._told.saved,
            refused=self._told.status.refused(self._policy.text.version),
            set_aside=self._care.custody.for_begin(),
            kept=self._care.kept if self._told.saved is not None else {},
            dark=self._dark,
            least_fps=self.doors.highest_rate,
            card_shares=self.doors.card_shares,
        )
        yield from self._journal
        if (report := self._listeners.wanted) is not None:
            yield self._journal.add(report, keep=False)
        if self._atlas.asked.views:
            yield self._journal.add(self._atlas.asked, keep=False)


def _hears_nothing(what: float | str | Path) -> None:
    raise GanzfeldError("No sound is listened to", hint='Start with one: ganzfeld play --audio ""')


def _closer(supervisor: Supervisor):
    """Closes the supervisor without keeping it alive."""
    reference = weakref.ref(supervisor)

    def close() -> None:
        with contextlib.suppress(Exception):
            if (alive := reference()) is not None:
                alive.close()

    return close
