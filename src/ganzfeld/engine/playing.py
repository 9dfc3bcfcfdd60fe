"""A patch that plays, and the cross-fade from the patch that played before."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ganzfeld.engine.picture_watch import PictureWatch
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.engine.program.state import State
from ganzfeld.engine.taps.onlooker import Onlooker
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.evaluation import Evaluator
from ganzfeld.patch.graph import Graph
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment


@dataclass(slots=True)
class PlayingPatch:
    """A patch ready to play: its evaluator and the programs it runs on.

    anew: it was built because a file changed, and not its text. forked: it plays on a fork of the state.
    """

    graph: Graph
    evaluator: Evaluator
    built: BuiltPatch
    state: State
    anew: bool = False
    forked: bool = False

    def frame(
        self,
        moment: Moment,
        inbox: Inbox,
        turned: dict[str, Any],
        report: Callable[[str, Exception], None],
        halvings: int = 0,
        onlooker: Onlooker | None = None,
        watch: PictureWatch | None = None,
    ) -> dict[str, torch.Tensor]:
        """Every output's picture for this moment. Raises GanzfeldError, and whatever nodes raise.

        onlooker: who looks into it, if anybody does; watch: who notices pictures that show nothing. Neither changes a
        picture.
        """
        values = self.evaluator.evaluate(moment, inbox, self.state.expressions, turned)
        program = self.built.program(values, self.state, report, halvings)
        program.prepare(moment, values)
        twin = None if onlooker is None else onlooker.twin(program)
        if onlooker is not None and twin is not None:
            pictures = twin.run(program)
            onlooker.drew(twin)
            return pictures
        pictures = program.run()
        if watch is not None:
            watch.look(program.steps, time.monotonic())
        if program.wants_capture and not self.forked:
            with contextlib.suppress(torch.OutOfMemoryError):  # then it goes on as it is
                program.capture(self.state, wait=False)
        return pictures

    def going_out(self) -> PlayingPatch:
        """The same patch on a fork of the state, to be played while the cross-fade to the next one lasts."""
        return PlayingPatch(self.graph, self.evaluator, self.built, self.state.fork(), forked=True)


@dataclass(slots=True)
class Fade:
    """A cross-fade away from the patch that played before. began: the show's time then, in
    seconds. seconds: how long it lasts."""

    outgoing: PlayingPatch
    began: float
    seconds: float

    def mixed(
        self, pictures: dict[str, torch.Tensor], moment: Moment, inbox: Inbox, turned: dict[str, Any]
    ) -> dict[str, torch.Tensor] | None:
        """The new patch's pictures, uint8 [H, W, 4], cross-faded with the old patch's; None when the fade is over."""
        share = (moment.t - self.began) / self.seconds
        earlier: dict[str, torch.Tensor] = {}
        if 0 <= share < 1:
            with contextlib.suppress(GanzfeldError):
                earlier = self.outgoing.frame(moment, inbox, turned, lambda path, error: None)
        if not earlier:
            return None
        return {
            name: _between(earlier[name], picture, share)
            if name in earlier and earlier[name].shape == picture.shape
            else picture
            for name, picture in pictures.items()
        }


def _between(earlier: torch.Tensor, picture: torch.Tensor, share: float) -> torch.Tensor:
    mixed = torch.lerp(earlier.float(), picture.float(), share)
    return mixed.add_(0.5).to(torch.uint8) if picture.dtype == torch.uint8 else mixed
