"""When a show is looked into: at most one frame in six, and as seldom as keeps the cost below a share."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.engine.program.capture import Timer
from ganzfeld.engine.program.program import Program
from ganzfeld.engine.taps.atlas import Atlas
from ganzfeld.engine.taps.twin import TappedTwin
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.values.looking import CellPlace, CellView

log = logging.getLogger(__name__)
said = RepeatedLog(log)

EVERY, SELDOM = 6, 120
"""One frame in so many is looked into at most, and at least."""
SHARE = 0.025
"""Of a processor's time that looking may take where nothing is captured; else of what frames take on the card."""
SETTLED = 0.25
"""Seconds for which the same is to be looked at, before a twin is captured for it."""
MOST_TWINS = 4
"""Of one patch, whose choices lead to several programs: the one used longest ago goes."""
AGAIN, TRIES = 20.0, 3
"""Seconds after which a twin that could not be made is tried again, and how often in all."""


@dataclass(frozen=True, slots=True)
class DrawnAtlas:
    """An atlas that was drawn. number: of the layout, the same as long as views and places are; it is also the first
    of the numbers in the picture. picture: as `Atlas.bytes`. shown, rows: of pictures and of numbers in it."""

    number: int
    views: tuple[CellView, ...]
    places: tuple[CellPlace, ...]
    shown: int
    rows: int
    picture: torch.Tensor


class Onlooker:
    """Looks into what plays, as long as somebody wants to see something. It belongs to the thread that renders.

    beside: does something on the thread that builds. timer: of what is looked into on a card. plain: seconds that a
    frame takes there in which nobody looks. now: seconds of a steady clock.
    """

    def __init__(
        self,
        beside: Callable[[Callable[[], None]], None],
        timer: Timer | None = None,
        plain: Callable[[], float] = lambda: 0.0,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._beside, self._timer, self._plain, self._now = beside, timer, plain, now
        self._every = EVERY
        self._views: tuple[CellView, ...] = ()
        self._since = 0.0
        self._frames = 0
        self._due = 0.0
        self._costs: tuple[float, float] = (0.0, 0.0)
        self._twins: dict[int, TappedTwin] = {}
        self._built: BuiltPatch | None = None
        self._making = threading.Event()
        self._made: tuple[Program, TappedTwin | Exception, tuple[CellView, ...]] | None = None
        self._failed: dict[int, list[float]] = {}
        """When making a program's twin failed."""
        # So that what one process tells is not taken for what another one told.
        self._number = secrets.randbelow(1 << 20)
        self._told: object = None
        self._drawn: DrawnAtlas | None = None

    @property
    def looks(self) -> bool:
        """Whether anything is looked at."""
        return bool(self._views)

    def look(self, views: Sequence[CellView]) -> None:
        """Look at these from now on; at nothing, if there are none."""
        if tuple(views) == self._views:
            return
        self._views, self._since = tuple(views), self._now()
        self._failed.clear()
        if not views:
            self.forget()
            self._drawn = None

    def forget(self) -> None:
        """Another patch plays, or nothing is looked at: let go of what there was."""
        self._every = EVERY
        twins, self._twins = list(self._twins.values()), {}
        self._failed.clear()
        self._made = self._built = None
        self._let_go(twins)

    def take(self) -> DrawnAtlas | None:
        """The newest atlas, once."""
        drawn, self._drawn = self._drawn, None
        return drawn

    def twin(self, program: Program) -> TappedTwin | None:
        """What is to be run in place of this program for this frame, if it is time; the program is prepared. Raises
        nothing."""
        try:
            return self._twin(program)
        except Exception as error:
            said.exception(f"what plays cannot be looked into: {type(error).__name__}")
            return None

    def drew(self, twin: TappedTwin) -> None:
        """The twin has run. Raises nothing."""
        try:
            self._drew(twin)
        except Exception as error:
            said.exception(f"what was drawn of what plays cannot be shown: {type(error).__name__}")

    def _twin(self, program: Program) -> TappedTwin | None:
        if program.built is not self._built:
            self.forget()
            self._built = program.built
        self._frames += 1
        self._take_what_is_made()
        twin = self._twins.get(id(program))
        if twin is None or twin.views != self._views or not twin.is_of(program):
            self._make(program)
            twin = self._twins.get(id(program))
        if twin is None or not twin.is_of(program) or self._frames < self._every or self._now() < self._due:
            return None
        self._frames = 0
        if self._timer is not None:
            self._timer.start()
        return twin

    def _drew(self, twin: TappedTwin) -> None:
        self._show(twin.atlas)
        if self._timer is not None:
            self._timer.stop()
            plain = self._plain()
            for seconds in self._timer.finished() if plain else ():
                self._every = round(min(max(EVERY, (seconds - plain) / (SHARE * plain)), SELDOM))
        if not twin.captured:
            # The lesser of the last two: the first one makes what is made at first use.
            self._costs = self._costs[1], twin.atlas.seconds
            self._due = self._now() + min(self._costs) / SHARE

    def _show(self, atlas: Atlas) -> None:
        began = self._now()
        told = atlas.views, atlas.places
        if told != self._told:
            self._told = told
            self._number += 1
        layout, picture = atlas.layout, atlas.bytes(self._number)
        self._drawn = DrawnAtlas(self._number, atlas.views, atlas.places, layout.shown, layout.rows, picture)
        atlas.seconds += self._now() - began

    def _make(self, program: Program) -> None:
        """Have a twin made, beside the show if that takes long."""
        now = self._now()
        failed = self._failed.get(id(program), ())
        if program.wants_capture or self._making.is_set() or len(failed) == TRIES:
            return
        if failed and now < failed[-1] + AGAIN:
            return
        views = self._views
        if not program.captured:
            self._made = program, _twin_of(program, views), views
            self._take_what_is_made()
            return
        if now - self._since < SETTLED:
            return
        self._making.set()

        def make() -> None:
            try:
                made = program, _twin_of(program, views), views
                self._made = made if self._views else None
            finally:
                self._making.clear()

        self._beside(make)

    def _take_what_is_made(self) -> None:
        made, self._made = self._made, None
        if made is None:
            return
        program, twin, views = made
        if program.built is not self._built or not self._views:
            return
        if isinstance(twin, Exception):
            self._failed.setdefault(id(program), []).append(self._now())
            if views == self._views:
                self._show_problem(program, twin)
            return
        before = self._twins.pop(id(program), None)
        self._twins[id(program)] = twin
        gone = [] if before is None else [before]
        while len(self._twins) > MOST_TWINS:
            gone.append(self._twins.pop(next(iter(self._twins))))
        self._let_go(gone)

    def _show_problem(self, program: Program, error: Exception) -> None:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        memory = isinstance(error, torch.OutOfMemoryError)
        why = "There is too little memory to look into this" if memory else f"This cannot be looked into: {reason}"
        with torch.inference_mode():
            atlas = Atlas(self._views, program.built.device)
            atlas.problem(range(len(self._views)), why)
            self._show(atlas)

    def _let_go(self, twins: list[TappedTwin]) -> None:
        """Drop twins beside the show, when the last frame of them is done."""
        if twins and any(twin.captured for twin in twins):
            shown = twins[0].program.built.graphs.now()

            def drop() -> None:
                shown()
                twins.clear()

            self._beside(drop)


def _twin_of(program: Program, views: tuple[CellView, ...]) -> TappedTwin | Exception:
    try:
        return TappedTwin(program, views)
    except Exception as error:
        log.warning("what plays cannot be looked into: %s", error)
        log.debug("where", exc_info=error)
        return error
