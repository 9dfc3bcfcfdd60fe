"""The node `movie`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganzfeld.errors import PatchError
from ganzfeld.kernels.alpha import from_rgba8
from ganzfeld.patch.costs import Cost
from ganzfeld.patch.media.projector import NoProjector, Projector
from ganzfeld.patch.node import Choice, HostValue, Node, PrepareContext, RenderContext, SetupContext, Toggle


def _cost(projector: Projector, device: torch.device) -> Cost:
    """What a film holds on the device: the picture as bytes and as numbers, and, unless that is a card with a memory of
    its own, those that wait."""
    shown = (1 + 4) * projector.picture_bytes
    return Cost(held=shown + (projector.held_bytes if device.type == "cpu" else 0))


class MovieNode(Node):
    """A film from a file (.mp4, .mov, .mkv, .webm, .gif, …), without its sound.

    It plays at its own rate, whatever the show's. `speed=0, position=…` puts it wherever an expression says:
    `position=8*ramp(beat/16)` ties it to the beat. Backwards is harder work than forwards: films made for it have many
    key frames.

    Alpha is kept (ProRes 4444, VP8 and VP9 as browsers write it, …). HDR films (PQ and HLG) are brought to the range of
    a screen, so that their white looks like that of other films.

    A live show never waits for a film: a frame that is late leaves the one before it on. A render does wait, so that
    every frame is exact.
    """

    word = "movie"
    examples = (
        'shown = movie("film.gif")',
        'shown = movie("film.gif", speed=0, position=0.4*ramp(beat))',
    )

    file = Choice("", "The file, from the patch's folder.")
    speed = HostValue(1, "1 as it was filmed, 0 stands still, below 0 backwards.", range=(-2, 2), limits=(-100, 100))
    position = HostValue(0, "Added to where it is.", range=(0, 60), limits=(-1e9, 1e9), unit="s")
    loop = Toggle(True, "After the end, the beginning again; off, the last frame stays.")

    def setup(self, context: SetupContext) -> None:
        self.paths: list[Path] = []
        self.exact = context.resources.exact
        self.projectors = {name: self._open(name, context) for name in context.candidates["file"]}
        self._late: float | None = None
        self._given: float | None = None

    def _open(self, name: Any, context: SetupContext) -> Projector | NoProjector:
        if not isinstance(name, str) or not name:
            raise context.refuse("A film's file is named in quotes", "file", 'For example: movie("clip.mp4")')
        path = context.resources.resolve(name)
        self.paths.append(path)
        try:
            projector = context.resources.once(path, Projector)
        except PatchError as error:
            context.do_without(context.refuse(error.what, "file", error.hint))
            return NoProjector()
        context.spend(_cost(projector, context.device), "file")
        return projector

    def watched(self) -> list[Path]:
        return self.paths

    def taken(self) -> float | None:
        return self._late

    def give(self, what: Any) -> None:
        self._given = what

    def prepare(self, context: PrepareContext) -> None:
        p, memory, moment = context.parameters, context.memory, context.moment
        if memory.get("frame") != moment.frame:
            # One step a frame, however many readers there are.
            memory["played"] = memory.get("played", 0.0) + p.speed * moment.dt
            memory["frame"] = moment.frame
        projector = self.projectors[p.file]
        if self._given is None:
            picture = projector.picture(memory["played"] + p.position, loop=p.loop, wait=self.exact)
        else:
            picture = projector.picture(self._given, loop=False, wait=self.exact)
        self._late = projector.late
        context.stage("picture", picture)
        if projector.problem is not None:
            context.report(projector.problem)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        return from_rgba8(context.staged.picture)
