"""The thread that builds the next patch while a show plays, and gives back the memory of patches that have ended."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from msgspec.structs import replace

from ganzfeld.engine.building import build
from ganzfeld.engine.host_memory import trim
from ganzfeld.engine.playing import PlayingPatch
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.engine.program.capture import Graphs
from ganzfeld.engine.program.state import State
from ganzfeld.engine.work_thread import WorkThread
from ganzfeld.errors import GanzfeldError, PatchError, Where, reason_of
from ganzfeld.kernels.card import has_triton, plainly
from ganzfeld.kernels.cuda.compiler import KernelError
from ganzfeld.patch.evaluation import Evaluator
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch
from ganzfeld.patch.resources import Resources
from ganzfeld.plain_file import real_path
from ganzfeld.values.hazards import Hazard
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)

STEP_SECONDS = 120.0
"""How long one step of building (a variant rehearsed and captured) may take on a CPU, and on a device for which kernels
may have to be compiled first."""
STEP_SECONDS_ON_DEVICE = 600.0
LEFT_AFTER = 2.0
"""Seconds after a build should have ended (its file has changed, another text waits), when it is left behind."""
RETIRED_BEFORE_TRIMMING = 20
"""Patches that have gone, before the host's memory is trimmed though it was never quiet."""
MOST_LEFT = 8
"""Builds that are left behind and still hang; each keeps a thread, and what it has opened."""


class BuilderThread:
    """Builds patches for `device` on a thread of its own. Its methods are called on the render thread.

    now: gives the patch that plays and the last frame's moment; called on either thread. quiet: seconds without another
    patch, after which the memory that the last ones used is given back.
    """

    def __init__(
        self,
        device: torch.device,
        graphs: Graphs,
        resources: Resources,
        now: Callable[[], tuple[PlayingPatch | None, Moment]],
        *,
        quiet: float,
    ) -> None:
        self._device, self._graphs, self._resources, self._now, self._quiet = device, graphs, resources, now, quiet
        self._thread = WorkThread("ganzfeld-build")
        self._building: _Building | None = None
        self._left: list[_Building] = []
        self._lock = threading.Lock()
        self._latest = 0
        self._next: str | None = None
        """The text that is built next, if one waits."""
        self._give_back_at = math.inf
        self._retired = 0
        self.ready: PlayingPatch | GanzfeldError | None = None
        """What was built last and has not been taken, or why it could not be built."""
        self.coming: frozenset[str] = frozenset()
        """The nodes of the patch that was built last: state that they may have to keep."""
        self.asked: frozenset[Path] = frozenset()
        """The files that the last patch asked for, if it could not be built."""
        self._failed: tuple[str | Patch, Path | None, int] | None = None
        """The last patch, its file and its text's version, if it could not be built."""
        self.unforeseen = 0
        """How many texts in a row could not be built for a reason that is none of theirs."""
        self._built_in: Path | None = None
        """The folder that the files of the patch built last were looked for in."""
        self.expect: Callable[[dict[str, tuple[int, int]]], None] = lambda sizes: None
        """Is told the size (width, height) of each output of a patch that will play, before it does, on this thread."""
        self._begun = 0
        self._wanted: tuple[str | Patch, Path | None, int, bool] | None = None
        """What was begun last: the patch, its file, its text's version, and whether it waits for no beat."""

    @property
    def is_building(self) -> bool:
        """Whether something is being built beside the show."""
        return self._begun != 0

    def build(self, patch: str | Patch, path: Path | None, anew: bool = False, version: int = 0) -> PlayingPatch:
        """Parse and build now; what is being built counts no more. Raises PatchError."""
        self._latest += 1
        self._begun, self._wanted = 0, None
        return self._build(patch, path, anew, version)

    def begin(
        self, patch: str | Patch, path: Path | None, anew: bool, version: int = 0, *, at_once: bool = False
    ) -> None:
        """Parse and build beside the show, into `ready`. Of several, the last wins. at_once: it is to wait for no beat,
        and not to fade in."""
        with self._lock:
            self._latest += 1
            number = self._begun = self._latest
            self._next = patch if isinstance(patch, str) else patch.to_json()
            self._wanted = patch, path, version, at_once
        self._thread.submit(self._build_beside, number, patch, path, anew, version, at_once)

    def take(self) -> PlayingPatch | GanzfeldError | None:
        """What is ready; it is not any more."""
        with self._lock:
            ready, self.ready = self.ready, None
        return ready

    def _build_beside(
        self, number: int, patch: str | Patch, path: Path | None, anew: bool, version: int, at_once: bool
    ) -> None:
        if number != self._latest:
            return
        self._next = None
        building = self._building = _Building(number, self._resources.hazards.steps)
        try:
            ready: PlayingPatch | GanzfeldError = self._build(patch, path, anew, version, at_once)
            self.unforeseen = 0
        except GanzfeldError as error:
            ready = error
        except BaseException as error:
            log.exception("building a patch failed")
            self.unforeseen += isinstance(error, Exception)
            ready = PatchError(f"Building the patch failed: {type(error).__name__}: {error}")
        building.over = True
        with self._lock:
            if self._building is building:
                self._building = None
            if number == self._latest and not building.left:
                self.ready, self._begun = ready, 0
                self._failed = (patch, path, version) if isinstance(ready, GanzfeldError) else None

    def again(self, path: Path) -> bool:
        """A file changed. Build the last patch again if it could not be built and asked for this file; whether it
        did."""
        if self._failed is None or path not in self.asked:
            return False
        patch, failed_path, version = self._failed
        self.begin(patch, failed_path, True, version)
        return True

    def coming_again(self) -> bool:
        """A file changed that the playing patch watches. If another patch is on its way (it is being built, or is ready
        and waits for its beat), build that one again, because it may have read the file before; whether one is."""
        if self._wanted is None or not (self.is_building or isinstance(self.ready, PlayingPatch)):
            return False
        patch, path, version, at_once = self._wanted
        self.begin(patch, path, True, version, at_once=at_once)
        return True

    def _look(self) -> None:
        """Leave a build behind that makes no progress."""
        building, hazards = self._building, self._resources.hazards
        if building is None or building.over:
            return
        now = time.perf_counter()
        if building.steps != hazards.steps:
            building.steps, building.since = hazards.steps, now
            return
        silent = now - building.since
        if silent < LEFT_AFTER:
            return
        at = [hazard for hazard in hazards.standing() if hazard.thread == building.thread]
        if building.number != self._latest and any(hazard.kind != "opening" for hazard in at):
            hazards.stop(building.thread)  # a script; what waits may well do without it
        on_device = self._device.type != "cpu"
        longest = max((hazard.patience for hazard in at), default=STEP_SECONDS_ON_DEVICE if on_device else STEP_SECONDS)
        over = any(hazard.seconds > LEFT_AFTER and (hazard.mended or self._is_passed_over(hazard)) for hazard in at)
        if over or silent > longest + LEFT_AFTER:
            self._leave(building, at[-1].path if at else "")

    def _is_passed_over(self, hazard: Hazard) -> bool:
        """Whether a newer text waits that has nothing to do with this file."""
        return self._next is not None and Path(hazard.path).name not in self._next

    def _leave(self, building: _Building, path: str) -> None:
        self._left = [each for each in self._left if not each.over]
        if len(self._left) >= MOST_LEFT:
            return
        where = f" at {Path(path).name}" if path else ""
        log.warning("building a patch makes no progress%s and is given up", where)
        with self._lock:
            building.left = True
            self._building = None
            if building.number == self._latest:
                hint = "What played before plays on; it is tried again when the file changes, or when you save"
                self.ready, self._begun = PatchError(f"Building the patch hangs{where}, and was given up", hint=hint), 0
                self.asked |= {Path(path)} if path else set()
        self._left.append(building)
        self._thread.abandon()

    def _build(
        self, patch: str | Patch, path: Path | None, anew: bool, version: int, at_once: bool = False
    ) -> PlayingPatch:
        if isinstance(patch, str):
            patch = parse(patch, str(path) if path else None, version)
        if at_once:
            patch = replace(patch, settings=replace(patch.settings, swap="now", fade=0.0))
        if patch.file is not None:
            self._resources.folder = real_path(Path(patch.file)).parent
        folder = self._resources.folder
        anew |= self._built_in not in (None, folder)  # a link now leads elsewhere: the same names are other files
        self.asked, self._failed = frozenset(), (patch, path, version)
        graph = Graph(patch)
        playing, moment = self._now()
        plays_on = playing is not None and not anew and not playing.built.plain
        if playing is not None and plays_on and graph.structure == playing.graph.structure:
            return PlayingPatch(graph, Evaluator(graph, playing.built.matched), playing.built, playing.state, anew)
        # Its captured programs will know the addresses of its nodes' state: that must not go at a swap before theirs.
        self.coming = frozenset(graph.nodes)
        state = playing.state if playing else State()
        try:
            built = self._built(graph, state, moment)
        except BaseException as error:
            self.asked = frozenset(self._resources.asked)
            if isinstance(error, OSError) and error.filename:  # a disk's or the system's, and no mistake in the text
                file = os.fsdecode(error.filename)
                what = f"{Path(file).name} cannot be read: {reason_of(error)}"
                raise PatchError(what, where=Where(file=file), hint="It is tried again when it changes") from error
            raise
        self._failed, self._built_in = None, folder
        self.expect(built.sizes)
        return PlayingPatch(graph, Evaluator(graph, built.matched), built, state, anew)

    def _built(self, graph: Graph, state: State, moment: Moment) -> BuiltPatch:
        """The patch, with kernels of our own; without them if they cannot be compiled or started here."""
        try:
            return build(graph, self._resources, self._device, self._graphs, state, moment)
        except Exception as error:
            known = isinstance(error, GanzfeldError) and not isinstance(error, KernelError)
            if known or not has_triton(self._device):
                raise
            why = error
        log.warning("building a patch with kernels of our own failed", exc_info=why)
        with plainly():
            try:
                built = build(graph, self._resources, self._device, self._graphs, state, moment)
            except Exception:
                raise why from None  # it is not the kernels
        built.plain = False  # there is nothing else to come
        what = f"Our own kernels do not run here ({reason_of(why)}): networks play in full precision, more slowly"
        built.notes.append(GanzfeldError(what, hint="`ganzfeld doctor` and the log tell more"))
        return built

    def prime(self) -> None:
        """Make what the thread will need, before it is needed."""
        self._thread.submit(self._graphs.prime)

    def beside(self, work: Callable[[], None]) -> None:
        """Do something else beside the show, after what is being built."""
        with contextlib.suppress(RuntimeError):  # closed
            self._thread.submit(work)

    def retire(self, built: BuiltPatch) -> None:
        """Let a patch go that no longer plays, beside the show: it takes time to give memory back, and its last frame
        may still be under way on the device."""
        self._give_back_at = time.perf_counter() + self._quiet
        self._retired += 1
        last = [built]
        shown = self._graphs.now()
        with contextlib.suppress(RuntimeError):  # closed
            self._thread.submit(_drop_when_shown, last, shown)
            if self._retired % RETIRED_BEFORE_TRIMMING == 0:
                self._thread.submit(trim)

    def tidy(self) -> None:
        """Once a frame: give memory back, if it has been quiet for long enough; look after what is being built."""
        self._look()
        if time.perf_counter() > self._give_back_at:
            self._give_back_at = math.inf
            with contextlib.suppress(RuntimeError):
                self._thread.submit(self._graphs.give_back)
                self._thread.submit(trim)

    def close(self) -> None:
        """Build no more."""
        self._thread.close()


class _Building:
    """A build on its thread. since: when it made its last step, of which there were `steps`. over: it has ended. left:
    nobody waits for it any more."""

    def __init__(self, number: int, steps: int) -> None:
        self.number, self.steps = number, steps
        self.thread = threading.get_ident()
        self.since = time.perf_counter()
        self.over = self.left = False


def _drop_when_shown(last: list[BuiltPatch], shown: Callable[[], None]) -> None:
    """Drop the last reference to a patch when its last frame (`shown` waits for it) is done."""
    shown()
    last.pop().forget_programs()
