"""A program: a patch with its choices made, as a fixed list of steps on one device.

Structure is captured, values flow (design, idea 3). `BuiltPatch` holds what all variants of a patch share: nodes
set up, one buffer of uniforms. A `Program` is one variant. A frame is: write the uniforms, `prepare` on the host,
`run` on the device. `run` is the part that a CUDA graph captures; it reads nothing on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from ganzfeld.engine.state import State
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.evaluation import fan
from ganzfeld.patch.graph import Graph, GraphNode
from ganzfeld.patch.node import (
    ImageRequest,
    Line,
    Named,
    Node,
    PrepareContext,
    RenderContext,
    Request,
    SetupContext,
    Value,
)
from ganzfeld.patch.resources import Resources
from ganzfeld.values.time import Moment

Report = Callable[[str, Exception], None]


class Uniforms:
    """One float32 buffer on the device with this frame's value of every `Value` parameter; written once a frame."""

    def __init__(
        self, lengths: Mapping[str, int | None], device: torch.device, periods: Mapping[str, float] | None = None
    ) -> None:
        """`lengths`: the number of values of an address that fans over matches, None for a single number.
        `periods`: what an address's values are reduced to before they become float32."""
        self.lengths = lengths
        total = sum(1 if length is None else length for length in lengths.values())
        self._host = torch.zeros(total, dtype=torch.float32, pin_memory=device.type == "cuda")
        self._numbers = self._host.numpy()
        self.device = self._host if device.type == "cpu" else torch.zeros_like(self._host, device=device)
        self._views: dict[str, torch.Tensor] = {}
        place = 0
        for address, length in lengths.items():
            self._views[address] = self.device[place] if length is None else self.device[place : place + length]
            place += length or 1
        # fmod leaves what is below its period as it is; infinity leaves everything.
        self._periods = np.array(
            [
                (periods or {}).get(address, np.inf)
                for address, length in lengths.items()
                for _ in range(1 if length is None else length)
            ]
        )

    def view(self, address: str) -> torch.Tensor:
        """The tensor that always holds an address's value: 0-dimensional, or [matches] if it fans."""
        return self._views[address]

    def write(self, values: Mapping[str, Any]) -> None:
        """One frame's values."""
        numbers: list[float] = []
        for address, length in self.lengths.items():
            value = values[address]
            if isinstance(value, list):
                numbers += value
            elif isinstance(value, np.ndarray):
                numbers += value.tolist()
            elif length is None:
                numbers.append(value)
            else:
                numbers += [value] * length
        self._numbers[:] = np.fmod(np.array(numbers, np.float64), self._periods)
        if self.device is not self._host:
            self.device.copy_(self._host, non_blocking=True)


class Staged:
    """Fixed buffers that one step's `prepare` fills on the host and its `render` reads on the device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._host: dict[str, torch.Tensor] = {}
        self.buffers: dict[str, torch.Tensor] = {}

    def stage(self, name: str, array: np.ndarray) -> None:
        """Copy an array into its buffer; the first call of a name fixes its shape and type."""
        source = torch.from_numpy(np.ascontiguousarray(array))
        if name not in self._host:
            self._host[name] = torch.empty_like(source, pin_memory=self._device.type == "cuda")
            on_host = self._device.type == "cpu"
            self.buffers[name] = self._host[name] if on_host else torch.empty_like(source, device=self._device)
        host = self._host[name]
        if host.shape != source.shape or host.dtype != source.dtype:
            raise ValueError(f"staged '{name}' changed from {tuple(host.shape)} to {tuple(source.shape)}")
        host.copy_(source)
        if self.buffers[name] is not host:
            self.buffers[name].copy_(host, non_blocking=True)


@dataclass(slots=True)
class Step:
    """One node rendering one request."""

    node: Node
    graph: GraphNode
    request: Request
    inputs: dict[str, int]
    context: RenderContext
    staged: Staged
    prepares: bool
    host: Mapping[str, Any] = field(default_factory=dict)


class BuiltPatch:
    """Everything that the variants of one patch share. Building opens files; it happens off the render thread."""

    most_programs = 256

    def __init__(self, graph: Graph, resources: Resources, device: torch.device) -> None:
        self.graph, self.resources, self.device = graph, resources, device
        self.nodes: dict[str, Node] = {}
        for name in graph.node_order:
            node = graph.nodes[name]
            self.nodes[name] = node.cls()
            self.nodes[name].setup(self._setup_context(node))
        self.matched = {
            address: how
            for node in graph.nodes.values()
            for key, address in node.addresses.items()
            if (how := fan(graph.slots[address], self.nodes[node.name].matched().get(key.rpartition(".")[0], (1,))))
        }
        values = [address for address, slot in graph.slots.items() if slot.kind == "value"]
        periods = {
            address: parameter.period
            for address in values
            if isinstance(parameter := graph.slots[address].parameter, Value) and parameter.period is not None
        }
        lengths = {address: self.matched[address].length if address in self.matched else None for address in values}
        self.uniforms = Uniforms(lengths, device, periods)
        self.choices = [address for address, slot in graph.slots.items() if slot.kind == "choice"]
        self._programs: dict[tuple, Program] = {}

    def _setup_context(self, node: GraphNode) -> SetupContext:
        candidates = {
            name: self.graph.slots[address].candidates
            for name, address in node.addresses.items()
            if self.graph.slots[address].kind == "choice"
        }
        lines = tuple(Line(line.name, line.method, tuple(line.arguments)) for line in node.model.methods)
        structure = Named(node.structure)
        return SetupContext(node.name, structure, candidates, self.resources, self.device, node.place, lines)

    def program(self, values: Mapping[str, Any], state: State, report: Report) -> Program:
        """The variant for these values of the choices, made when first asked for."""
        key = (id(state), *(values[address] for address in self.choices))
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= self.most_programs:
                self._programs.pop(next(iter(self._programs)))
            choices = {address: values[address] for address in self.choices}
            program = self._programs[key] = Program(self, choices, state, report)
        return program

    def forget(self, state: State) -> None:
        """Drop the variants that ran on a state that is gone (a warm-up's)."""
        self._programs = {key: program for key, program in self._programs.items() if key[0] != id(state)}

    def view(self, address: str) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """What always holds an address's value on the device (see `Fan.of`)."""
        view = self.uniforms.view(address)
        return self.matched[address].of(view) if address in self.matched else view

    def variants(self, values: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
        """Values for up to `most` variants: the present one first, then each choice's other candidates in turn."""
        found = [dict(values)]
        for address in self.choices:
            for candidate in self.graph.slots[address].candidates:
                if candidate != values[address]:
                    found.append({**values, address: candidate})
        return found[:most]


class Program:
    """A fixed list of steps. Render thread only."""

    def __init__(self, built: BuiltPatch, choices: Mapping[str, Any], state: State, report: Report) -> None:
        self.built, self.choices, self.state, self.report = built, choices, state, report
        self.steps: list[Step] = []
        self._known: dict[tuple[str, Request], int] = {}
        self.outs = {name: self._step(name, ImageRequest()) for name in built.graph.outs}

    def _step(self, name: str, request: Request) -> int:
        """The index of the step that answers `request` to the node `name`; equal requests share one step."""
        known = self._known.get((name, request))
        if known is not None:
            return known
        built = self.built
        graph, node = built.graph.nodes[name], built.nodes[name]
        fixed = dict(graph.structure)
        for key, address in graph.addresses.items():
            if address in self.choices:
                fixed[key] = self.choices[address]
        asked = node.requests(Named(fixed), request)
        inputs = {key: self._step(source, asked[key]) for key, source in graph.inputs.items()}
        views = {key: built.view(a) for key, a in graph.addresses.items() if a in built.uniforms.lengths}
        parameters = {**fixed, **views}
        staged = Staged(built.device)
        lines = [line.name for line in graph.model.methods]
        context = RenderContext(
            path=name,
            parameters=Named({key: value for key, value in parameters.items() if "." not in key}),
            staged=Named(staged.buffers),
            request=request,
            device=built.device,
            state=partial(self.state.tensor, name, built.device),
            methods={line: Named(_of_line(parameters, line)) for line in lines},
            report=partial(self.report, name),
        )
        prepares = type(node).prepare is not Node.prepare
        self.steps.append(Step(node, graph, request, inputs, context, staged, prepares))
        self._known[name, request] = len(self.steps) - 1
        return len(self.steps) - 1

    def prepare(self, moment: Moment, values: Mapping[str, Any]) -> None:
        """The host's part of a frame: uniforms and staging buffers."""
        self.built.uniforms.write(values)
        for step in self.steps:
            if not step.prepares:
                continue
            host = {key: values[address] for key, address in step.graph.addresses.items()}
            context = PrepareContext(
                path=step.graph.name,
                moment=moment,
                parameters=Named({**step.graph.structure, **host}),
                request=step.request,
                stage=step.staged.stage,
                memory=self.state.of(step.graph.name),
                report=step.context.report,
            )
            with _blamed_on(step):
                step.node.prepare(context)

    def run(self) -> dict[str, torch.Tensor]:
        """The device's part of a frame: every output as uint8 [H, W, 4] RGBA."""
        results: list[Any] = []
        for step in self.steps:
            inputs = {name: results[index] for name, index in step.inputs.items()}
            with _blamed_on(step):
                results.append(step.node.render(step.context, inputs))
        return {name: results[index] for name, index in self.outs.items()}


def _of_line(parameters: Mapping[str, Any], line: str) -> dict[str, Any]:
    return {key[len(line) + 1 :]: value for key, value in parameters.items() if key.rpartition(".")[0] == line}


class _blamed_on:  # noqa: N801
    """Errors inside a node come out as PatchErrors that point at its line. A class: entering costs 0.2 µs."""

    __slots__ = ("step",)

    def __init__(self, step: Step) -> None:
        self.step = step

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, PatchError):
            return
        graph = self.step.graph
        if isinstance(error, GanzfeldError):
            raise PatchError(error.what, where=graph.where, hint=error.hint) from error
        if isinstance(error, torch.OutOfMemoryError):
            hint = "Show a smaller size or fewer networks"
            raise PatchError(f"The device has no memory left for {graph.name}", where=graph.where, hint=hint) from error
        what = f"{graph.cls.word} failed: {type(error).__name__}: {error}"
        raise PatchError(what, where=graph.where) from error
