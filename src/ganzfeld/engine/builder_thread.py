"""The thread that builds the next patch while a show plays, and gives back the memory of patches that have ended."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from ganzfeld.engine.building import build
from ganzfeld.engine.playing import PlayingPatch
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.engine.program.capture import Graphs
from ganzfeld.engine.program.state import State
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.evaluation import Evaluator
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch
from ganzfeld.patch.resources import Resources
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)


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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ganzfeld-build")
        self._lock = threading.Lock()
        self._latest = 0
        self._give_back_at = math.inf
        self.ready: PlayingPatch | GanzfeldError | None = None
        """What was built last and has not been taken, or why it could not be built."""
        self.coming: frozenset[str] = frozenset()
        """The nodes of the patch that was built last: state that they may have to keep."""

    def build(self, patch: str | Patch, path: Path | None, anew: bool = False, version: int = 0) -> PlayingPatch:
        """Parse and build now; what is being built counts no more. Raises PatchError."""
        self._latest += 1
        return self._build(patch, path, anew, version)

    def begin(self, patch: str | Patch, path: Path | None, anew: bool, version: int = 0) -> None:
        """Parse and build beside the show, into `ready`. Of several, the last wins."""
        with self._lock:
            self._latest += 1
            number = self._latest
        self._thread.submit(self._build_beside, number, patch, path, anew, version)

    def take(self) -> PlayingPatch | GanzfeldError | None:
        """What is ready; it is not any more."""
        with self._lock:
            ready, self.ready = self.ready, None
        return ready

    def _build_beside(self, number: int, patch: str | Patch, path: Path | None, anew: bool, version: int) -> None:
        if number != self._latest:
            return
        try:
            ready: PlayingPatch | GanzfeldError = self._build(patch, path, anew, version)
        except GanzfeldError as error:
            ready = error
        except Exception as error:
            log.exception("building a patch failed")
            ready = PatchError(f"Building the patch failed: {type(error).__name__}: {error}")
        with self._lock:
            if number == self._latest:
                self.ready = ready

    def _build(self, patch: str | Patch, path: Path | None, anew: bool, version: int) -> PlayingPatch:
        if isinstance(patch, str):
            patch = parse(patch, str(path) if path else None, version)
        if patch.file is not None:
            self._resources.folder = Path(patch.file).resolve().parent
        graph = Graph(patch)
        playing, moment = self._now()
        if playing is not None and not anew and graph.structure == playing.graph.structure:
            return PlayingPatch(graph, Evaluator(graph, playing.built.matched), playing.built, playing.state, anew)
        # Its captured programs will know the addresses of its nodes' state: that must not go at a swap before theirs.
        self.coming = frozenset(graph.nodes)
        state = playing.state if playing else State()
        built = build(graph, self._resources, self._device, self._graphs, state, moment)
        return PlayingPatch(graph, Evaluator(graph, built.matched), built, state, anew)

    def prime(self) -> None:
        """Make what the thread will need, before it is needed."""
        self._thread.submit(self._graphs.prime)

    def retire(self, built: BuiltPatch) -> None:
        """Let a patch go that no longer plays, beside the show: it takes time to give memory back, and its last frame
        may still be under way on the device."""
        self._give_back_at = time.perf_counter() + self._quiet
        last = [built]
        shown = self._graphs.now()
        with contextlib.suppress(RuntimeError):  # closed
            self._thread.submit(_drop_when_shown, last, shown)

    def tidy(self) -> None:
        """Give memory back, if it has been quiet for long enough."""
        if time.perf_counter() > self._give_back_at:
            self._give_back_at = math.inf
            with contextlib.suppress(RuntimeError):
                self._thread.submit(self._graphs.give_back)

    def close(self) -> None:
        """Build no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _drop_when_shown(last: list[BuiltPatch], shown: Callable[[], None]) -> None:
    """Drop the last reference to a patch when its last frame (`shown` waits for it) is done."""
    shown()
    last.pop().forget_programs()
