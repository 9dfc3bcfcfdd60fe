"""A program: a patch with its choices made, as a fixed list of steps.

A `BuiltPatch` holds what all variants of a patch share; a `Program` is one variant, with a uniform buffer for each
device. A frame has three parts: its values are written into the buffers, nodes `prepare` on the host, and `run` does
the work of the device. `run` reads nothing on the host, so it can be captured in graphs where a device can
(`program.capture`). Before that, a program runs once from Python: on scratch state (a rehearsal), or as its first
frame. That makes everything that its graphs will need. A program that is not captured goes on running from Python.
docs/architecture.md, "Structure and values", says why a patch is divided like this.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from ganzfeld.engine.picture_watch import PictureSample
from ganzfeld.engine.program.capture import Captured
from ganzfeld.engine.program.segments import ProgramSegment, StepPlacement, copied, fits, moved, segments_of, written
from ganzfeld.engine.program.state import State
from ganzfeld.engine.program.steps import Binding, ProgramStep, Staged, StepTap, blamed_on, of_line
from ganzfeld.engine.program.uniform_buffer import UniformBuffer
from ganzfeld.errors import PatchError
from ganzfeld.networks.device import at_work
from ganzfeld.patch.node import (
    ImageRequest,
    Named,
    Node,
    PrepareContext,
    RenderContext,
    Request,
)
from ganzfeld.values.time import Moment

if TYPE_CHECKING:
    from ganzfeld.engine.program.built_patch import BuiltPatch

log = logging.getLogger(__name__)


class Program:
    """A fixed list of steps. Used by one thread at a time; `run` by the one that renders."""

    _tap: StepTap | None = None
    most_captures = 3
    """How often one program is captured. Without a bound, a script whose pictures keep changing their size would have
    everything after it captured again with every frame."""

    def __init__(self, built: BuiltPatch, choices: Mapping[str, Any], halvings: int = 0) -> None:
        self.built, self.choices, self.halvings = built, choices, halvings
        self.binding = Binding()
        self.steps: list[ProgramStep] = []
        self._known: dict[tuple[str, Request], int] = {}
        self._uniforms: dict[torch.device, UniformBuffer] = {}
        self.outs = {name: self._step(name, ImageRequest()) for name in built.graph.outs}
        captures = built.graphs.captures
        self.segments = segments_of(
            [
                StepPlacement(tuple(step.inputs.values()), step.device, step.node.captured and captures(step.device))
                for step in self.steps
            ],
            list(self.outs.values()),
        )
        self._preparing = [step for step in self.steps if type(step.node).prepare is not Node.prepare]
        self._one_device = len({step.device for step in self.steps}) == 1
        self._seen: dict[int, Any] | None = None
        self._captures_left = self.most_captures if any(segment.captured for segment in self.segments) else 0
        self._played: _CapturedProgram | None = None

    def _step(self, name: str, request: Request) -> int:
        """The index of the step that answers `request` to the node `name`; equal requests share one step."""
        known = self._known.get((name, request))
        if known is not None:
            return known
        built = self.built
        graph, node, device = built.graph.nodes[name], built.nodes[name], built.device_of(name)
        fixed = dict(graph.structure)
        for key, address in graph.addresses.items():
            if address in self.choices:
                fixed[key] = self.choices[address]
        asked = node.requests(Named(fixed), request)
        inputs = {key: self._step(source, asked[key]) for key, source in graph.inputs.items()}
        if device not in self._uniforms:
            self._uniforms[device] = built.uniform_buffer(device)
        uniforms = self._uniforms[device]
        views = {key: uniforms.view(a) for key, a in graph.addresses.items() if a in uniforms}
        parameters = {**fixed, **views}
        staged = Staged(uniforms, len(self.steps))
        lines = [line.name for line in graph.model.methods]
        context = RenderContext(
            path=name,
            parameters=Named({key: value for key, value in parameters.items() if "." not in key}),
            staged=Named(staged.buffers),
            request=request,
            device=device,
            state=partial(self.binding.tensor, name, device),
            methods={line: Named(of_line(parameters, line)) for line in lines},
            report=partial(self.binding.tell, name),
            halvings=self.halvings,
        )
        sample = None
        if node.plays_network:
            is_layer = any(line.method == "show" for line in graph.model.methods)
            sample = PictureSample(is_layer=is_layer, always=node.captured and built.graphs.captures(device))
        self.steps.append(ProgramStep(node, graph, request, inputs, context, staged, device, sample))
        self._known[name, request] = len(self.steps) - 1
        return len(self.steps) - 1

    def twin(self, tap: StepTap) -> Program:
        """This program with somebody who looks at what its steps make. It is to be run in this one's place, after this
        one was prepared: both have the same uniforms and staging buffers."""
        twin = copy.copy(self)
        twin.binding, twin._tap = Binding(), tap
        twin._played = twin._seen = None
        twin._captures_left = 0
        twin.steps = [
            replace(
                step,
                context=replace(
                    step.context,
                    state=partial(twin.binding.tensor, step.graph.name, step.device),
                    report=partial(twin.binding.tell, step.graph.name),
                    tap=tap.of(step.graph.name),
                ),
            )
            for step in self.steps
        ]
        return twin

    def prepare(self, moment: Moment, values: Mapping[str, Any]) -> None:
        """The host's part of a frame: uniforms and staging buffers."""
        for uniforms in self._uniforms.values():
            uniforms.write(values)
        for step in self._preparing:
            graph = step.graph
            context = PrepareContext(
                path=graph.name,
                moment=moment,
                parameters=Named({**graph.structure, **step.host(values)}),
                request=step.request,
                stage=step.stage,
                memory=self.binding.state.of(graph.name),
                report=step.context.report,
            )
            with blamed_on(step):
                step.node.prepare(context)
        for uniforms in self._uniforms.values():
            uniforms.send()

    def run(self) -> dict[str, torch.Tensor]:
        """The device's part of a frame: every output as uint8 [H, W, 4] RGBA, in memory of its own."""
        played = self._played
        if played is None:
            return self._run_from_python()
        if self.binding.state is played.state or not played.held:
            return self._replay(played)
        with self._exchanged(played):
            return self._replay(played)

    def _replay(self, played: _CapturedProgram) -> dict[str, torch.Tensor]:
        results: list[Any] = [None] * len(self.steps)
        for place, (segment, part) in enumerate(zip(self.segments, played.parts)):
            if part is None:
                with self.built.graphs.capture_lock.shared():
                    self._render(segment, results)
                continue
            for number, static in part.entered.items():
                if not fits(results[number], static):
                    self._played = None
                    return self._run_from_python(results, place)
                written(results[number], static)
            part.captured.replay()
            for number, result in part.captured.result.items():
                results[number] = copied(result) if number in part.copied else result
        return {name: results[number] for name, number in self.outs.items()}

    @property
    def wants_capture(self) -> bool:
        """Whether it has been run from Python, and would be faster captured."""
        return self._played is None and self._seen is not None and self._captures_left > 0

    @property
    def captured(self) -> bool:
        """Whether its next frame will be a replay."""
        return self._played is not None

    def _run_from_python(self, results: list[Any] | None = None, first: int = 0) -> dict[str, torch.Tensor]:
        """`results`: of the segments before the `first`, which have run in this frame."""
        results = [None] * len(self.steps) if results is None else results
        with self.built.graphs.capture_lock.shared():
            for segment in self.segments[first:]:
                self._render(segment, results)
        if self._captures_left:
            entering = {number for segment in self.segments if segment.captured for number in segment.enters}
            self._seen = {number: results[number] for number in entering}
        return {name: results[number] for name, number in self.outs.items()}

    def _render(self, segment: ProgramSegment, results: list[Any]) -> None:
        for number in segment.steps:
            step = self.steps[number]
            inputs = {name: results[index] for name, index in step.inputs.items()}
            with blamed_on(step):
                if self._one_device:
                    results[number] = step.node.render(step.context, inputs)
                else:
                    with at_work(step.device):
                        inputs = {name: moved(result, step.device) for name, result in inputs.items()}
                        results[number] = step.node.render(step.context, inputs)
            if step.sample is not None and (step.sample.wanted or step.sample.always):
                step.sample.take(results[number])
            if self._tap is not None:
                self._tap.step(number, results[number])
        if self._tap is not None:
            self._tap.join()

    # Capturing

    def capture(self, state: State, *, wait: bool = True) -> None:
        """Capture what can be, to be run on this state from now on. It has been run before (`wants_capture`).

        wait: for its turn; else it may stay as it is, to be captured another time. Raises torch.OutOfMemoryError. If it
        cannot be captured for another reason, it goes on running from Python, and the patch's notes say so.
        """
        with self.built.graphs.capture_lock.exclusive(wait=wait) as granted:
            if granted:
                self._capture(state)

    def capture_as(self, other: Program) -> None:
        """Capture the twin of `other`, which is captured, for the same state. Waits for its turn. Raises
        torch.OutOfMemoryError, and RuntimeError for what cannot be captured."""
        played = other._played
        if played is None:
            raise RuntimeError("the program is not captured any more")
        entered = {
            number: result for part in played.parts if part is not None for number, result in part.entered.items()
        }
        with self.built.graphs.capture_lock.exclusive():
            self.binding.state = played.state
            self._played = _CapturedProgram(played.state, played.held, self._captured_parts(entered))

    def _capture(self, state: State) -> None:
        assert self._seen is not None
        self._captures_left -= 1
        seen, self._seen = self._seen, None
        # The graphs will know addresses: the state's own tensors must be there, and are held here.
        held = {key: state.tensor(*key) for key in self.binding.touched}
        before, self.binding.state = self.binding.state, state
        try:
            self._played = _CapturedProgram(state, held, self._captured_parts(seen))
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            self._captures_left = 0
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            log.warning("a program could not be captured: %s", reason)
            log.debug("where", exc_info=error)
            if not self.built.notes:
                what = f"This patch plays without a CUDA graph, which is slower: {reason}"
                hint = "It is played correctly all the same. Please report it"
                self.built.notes.append(PatchError(what, hint=hint))
        finally:
            self.binding.state = before

    def _captured_parts(self, seen: Mapping[int, Any]) -> list[_CapturedSegment | None]:
        parts: list[_CapturedSegment | None] = []
        inside: dict[int, Any] = {}
        """Results of captured steps: memory that a later segment on the same device reads where it is."""
        for segment in self.segments:
            if not segment.captured:
                parts.append(None)
                continue
            here = {
                number: inside[number]
                for number in segment.enters
                if number in inside and self.steps[number].device == segment.device
            }
            entered = {number: copied(seen[number], segment.device) for number in segment.enters if number not in here}
            work = partial(self._work, segment, {**here, **entered})
            captured = self.built.graphs.capture(segment.device, self.built.pool(segment.device), work)
            inside |= captured.result
            parts.append(_CapturedSegment(captured, entered, []))
        # What only captured segments on the same device read stays where it is; everything else is copied out.
        for segment, part in zip(self.segments, parts):
            if part is not None:
                readers = [other for other in self.segments if other is not segment]
                part.copied = [
                    number
                    for number in segment.leaves
                    if number in self.outs.values()
                    or any(
                        number in other.enters and not (other.captured and other.device == segment.device)
                        for other in readers
                    )
                ]
        return parts

    def _work(self, segment: ProgramSegment, entered: Mapping[int, Any]) -> dict[int, Any]:
        results = [entered.get(number) for number in range(len(self.steps))]
        for number in segment.steps:
            step = self.steps[number]
            inputs = {name: results[index] for name, index in step.inputs.items()}
            with blamed_on(step):
                results[number] = step.node.render(step.context, inputs)
            if step.sample is not None and step.sample.pixels is not None:
                step.sample.take(results[number])
            if self._tap is not None:
                self._tap.step(number, results[number])
        if self._tap is not None:
            self._tap.join()
        return {number: results[number] for number in segment.leaves}

    @contextmanager
    def _exchanged(self, played: _CapturedProgram) -> Iterator[None]:
        """Within it, the tensors of the graphs' own state hold the numbers of the present state, and are put back at
        the end. Graphs read and write the addresses they were captured with, and a patch that fades out plays on a
        fork of the state, which has others."""
        state = self.binding.state
        theirs = {key: state.tensor(*key) for key in played.held}
        mine = {key: tensor.clone() for key, tensor in played.held.items()}
        for key, tensor in played.held.items():
            tensor.copy_(theirs[key])
        try:
            yield
        finally:
            for key, tensor in played.held.items():
                theirs[key].copy_(tensor)
                tensor.copy_(mine[key])


@dataclass(slots=True)
class _CapturedSegment:
    """A captured segment. entered: memory that results from elsewhere are copied into before each replay. copied: the
    results that are copied out after it."""

    captured: Captured
    entered: dict[int, Any]
    copied: list[int]


@dataclass(frozen=True, slots=True)
class _CapturedProgram:
    """A captured program: the state that its graphs know, that state's tensors, and each segment's graph."""

    state: State
    held: dict[tuple, torch.Tensor]
    parts: list[_CapturedSegment | None]
