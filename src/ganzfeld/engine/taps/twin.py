"""A program's tapped twin: the same steps on the same memory, with somebody who looks at what they make.

The program is prepared, and its twin run in its place, for one frame in a few. What it shows is the same bit for bit:
nothing that is looked at is changed, and nothing is fused otherwise. Where the program is captured, its twin is too,
beside the show, in the same pool of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzfeld.engine.program.program import Program
from ganzfeld.engine.taps.atlas import Atlas
from ganzfeld.networks.device import at_work
from ganzfeld.patch.node import ImageRequest, Latent
from ganzfeld.values.looking import CellView

WARM_SIDES = (1024, 16)
"""Of pictures that are made smaller in their cells, and larger."""


class NodeWatch:
    """What is looked at inside one node (a `patch.node.NodeTap`)."""

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self.layers: dict[str, list[int]] = {}
        self.weights: dict[str, list[int]] = {}

    def layer(self, word: str, x: Tensor) -> None:
        """See `NodeTap`."""
        for number in self.layers[word]:
            self._atlas.draw(number, x)

    def weight(self, word: str, before: Tensor, after: Tensor) -> None:
        """See `NodeTap`."""
        for number in self.weights[word]:
            self._atlas.draw_weight(number, before, after)

    def misses(self, word: str, why: str) -> None:
        """See `NodeTap`."""
        self._atlas.problem([*self.layers.get(word, ()), *self.weights.get(word, ())], why)


class ProgramWatch:
    """What is looked at in one program (a `program.steps.StepTap`). atlas: where it is drawn."""

    def __init__(self, program: Program, views: Sequence[CellView]) -> None:
        self.atlas = Atlas(views, program.built.device)
        self._of_step: dict[int, list[int]] = {}
        self._of_node: dict[str, NodeWatch] = {}
        steps = _steps_of(program)
        for number, view in enumerate(views):
            if why := self._why_not(program, steps, view):
                self.atlas.refuse(number, why)
            elif view.of == "node" or (view.layer == "image" and not view.weight):
                self._of_step.setdefault(steps[view.node], []).append(number)
            else:
                watch = self._of_node.setdefault(view.node, NodeWatch(self.atlas))
                words = watch.weights if view.of == "weight" else watch.layers
                words.setdefault(view.weight if view.of == "weight" else view.layer, []).append(number)

    def of(self, name: str) -> NodeWatch | None:
        """What is looked at inside a node."""
        return self._of_node.get(name)

    def step(self, number: int, result: Any) -> None:
        """A step has made this."""
        for cell in self._of_step.get(number, ()):
            self.atlas.draw(cell, result)

    def join(self) -> None:
        """See `Atlas.join`."""
        self.atlas.join()

    def warm(self, program: Program) -> None:
        """Make what drawing needs at first use, before it is captured: on networks as they are, beside the show."""
        device = self.atlas.device
        results: list[Any] = [torch.zeros(1, 4, side, side, device=device) for side in WARM_SIDES]
        results += [torch.zeros(side, side, 4, dtype=torch.uint8, device=device) for side in WARM_SIDES]
        results.append(Latent(torch.zeros(1, 1, 60, device=device)))
        for step in program.steps:
            if (watch := self.of(step.graph.name)) is not None:
                step.node.warm(watch, step.context)
        for cells in self._of_step.values():
            for cell in cells:
                for result in results:
                    self.atlas.draw(cell, result)
        self.join()
        self.atlas.bytes(0)
        self.atlas.begin()

    def _why_not(self, program: Program, steps: dict[str, int], view: CellView) -> str:
        node = program.built.graph.nodes.get(view.node)
        if node is None:
            return f"There is no '{view.node}' in the patch that plays"
        if view.node not in steps:
            return "It leads to no output, so it is not played"
        if program.steps[steps[view.node]].device != self.atlas.device:
            return "It plays on another device, which cannot be looked into"
        if view.of != "node" and not node.cls.plays_network:
            return f"'{view.node}' plays no network"
        return ""


def _steps_of(program: Program) -> dict[str, int]:
    """The step that shows each node: the first that makes a picture, or else the first."""
    found: dict[str, int] = {}
    for number, step in enumerate(program.steps):
        name = step.graph.name
        if name not in found or (
            isinstance(step.request, ImageRequest) > isinstance(program.steps[found[name]].request, ImageRequest)
        ):
            found[name] = number
    return found


class TappedTwin:
    """A program's twin with its atlas. Making it does all that takes long; it may be made on another thread than the
    one that renders.

    Raises torch.OutOfMemoryError, and RuntimeError if it cannot be captured.
    """

    def __init__(self, program: Program, views: Sequence[CellView]) -> None:
        built = program.built
        with torch.inference_mode(), at_work(built.device), built.graphs.beside():
            self.watch = ProgramWatch(program, views)
            self.program = program.twin(self.watch)
            self._of = program
            if program.captured:
                with built.graphs.capture_lock.shared():
                    self.watch.warm(program)
                self.program.capture_as(program)

    @property
    def captured(self) -> bool:
        """Whether it is replayed."""
        return self.program.captured

    def is_of(self, program: Program) -> bool:
        """Whether it can be run in place of this program as it is now."""
        return self._of is program and self.captured == program.captured

    @property
    def atlas(self) -> Atlas:
        """What it draws."""
        return self.watch.atlas

    @property
    def views(self) -> tuple[CellView, ...]:
        """What it looks at."""
        return self.watch.atlas.views

    def run(self, program: Program) -> dict[str, Tensor]:
        """The frame of `program`, which has been prepared."""
        self.program.binding.state, self.program.binding.report = program.binding.state, program.binding.report
        if not self.captured:
            self.atlas.begin()
        return self.program.run()
