"""A patch that is set up: its nodes with their files open, and the memory that all its variants share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from ganzfeld.engine.costs import ledger_of, picture_costs, written_costs
from ganzfeld.engine.program.capture import Graphs, NoGraphs
from ganzfeld.engine.program.program import Program
from ganzfeld.engine.program.state import State
from ganzfeld.engine.program.steps import Report
from ganzfeld.engine.program.uniform_buffer import PinnedRing, UniformBuffer, on_host
from ganzfeld.errors import GanzfeldError, Where
from ganzfeld.kernels.card import is_plain
from ganzfeld.patch.costs import Cost
from ganzfeld.patch.evaluation import fan
from ganzfeld.patch.graph import Graph, GraphNode
from ganzfeld.patch.node import MethodLine, Named, Node, SetupContext, Value
from ganzfeld.patch.resources import Resources


def setup_context(
    graph: Graph,
    node: GraphNode,
    resources: Resources,
    device: torch.device,
    spend: Callable[[Cost, Where], None],
    captures: bool = False,
) -> SetupContext:
    """What a node of a graph sees when it is set up. spend: adds what it will take to the patch's costs. captures:
    whether its work on the device is."""
    candidates = {
        name: graph.slots[address].candidates
        for name, address in node.addresses.items()
        if graph.slots[address].kind == "choice"
    }
    lines = tuple(
        MethodLine(line.name, line.method, (*line.arguments, *node.inputs_of(line.name))) for line in node.model.methods
    )
    return SetupContext(
        node.name,
        Named(node.structure),
        candidates,
        resources,
        device,
        node.place,
        lines,
        spend,
        frozenset(node.model.arguments),
        holds=graph.patch.settings.hold is not None,
        captures=captures,
    )


class BuiltPatch:
    """Everything that the variants of one patch share. Building opens files; it happens off the render thread.

    notes: what a person should know of how the patch runs, though it does. sizes: (width, height) of each output's
    picture, as it was rehearsed. plain: it plays without kernels of our own (`kernels.card.plainly`).
    """

    most_programs = 256

    def __init__(self, graph: Graph, resources: Resources, device: torch.device, graphs: Graphs | None = None) -> None:
        self.graph, self.resources, self.device = graph, resources, device
        self.graphs = graphs or NoGraphs()
        self.notes: list[GanzfeldError] = []
        self.plain = is_plain()
        self.sizes: dict[str, tuple[int, int]] = {}
        self.nodes: dict[str, Node] = {}
        self._ledger = ledger_of(device, render=resources.exact)
        written_costs(graph, self._ledger)
        resources.begin()
        for name in graph.node_order:
            node = graph.nodes[name]
            self.nodes[name] = node.cls()
            captures = self.graphs.captures(device)
            self.nodes[name].setup(setup_context(graph, node, resources, device, self._ledger.spend, captures))
            resources.hazards.step()
        self.notes += resources.notes
        picture_costs(graph, self.nodes, self._ledger)
        reached = {name: node.matched() for name, node in self.nodes.items()}
        self.matched = {
            address: how
            for node in graph.nodes.values()
            for key, address in node.addresses.items()
            if (how := fan(graph.slots[address], reached[node.name].get(key.rpartition(".")[0], (1,))))
        }
        self._rings: dict[torch.device, PinnedRing] = {}
        self._pools: dict[torch.device, Any] = {}
        values = [address for address, slot in graph.slots.items() if slot.kind == "value"]
        self._periods = {
            address: parameter.period
            for address in values
            if isinstance(parameter := graph.slots[address].parameter, Value) and parameter.period is not None
        }
        self._fans = {address: self.matched.get(address) for address in values}
        self.choices = [address for address, slot in graph.slots.items() if slot.kind == "choice"]
        self._programs: dict[tuple, Program] = {}

    def device_of(self, name: str) -> torch.device:
        """Where a node renders."""
        return self.nodes[name].renders_on or self.device

    def uniform_buffer(self, device: torch.device) -> UniformBuffer:
        """A place on a device for what a program is told each frame. All share the page-locked memory on the way."""
        if device not in self._rings and not on_host(device):
            self._rings[device] = PinnedRing(device)
        return UniformBuffer(device, self._fans, self._periods, self._rings.get(device))

    def pool(self, device: torch.device) -> Any:
        """The memory that captured programs share (see `engine.capture`)."""
        if device not in self._pools:
            self._pools[device] = self.graphs.pool(device)
        return self._pools[device]

    def program(self, values: Mapping[str, Any], state: State, report: Report, halvings: int = 0) -> Program:
        """The variant for these values of the choices, made when first asked for, to be run on this state.

        halvings: how many times the inner size of networks that can is halved (see `Node.most_halvings`).
        """
        key = (halvings, *(values[address] for address in self.choices))
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= self.most_programs:
                self._programs.pop(next(iter(self._programs)))
            choices = {address: values[address] for address in self.choices}
            program = self._programs[key] = Program(self, choices, halvings)
        program.binding.state, program.binding.report = state, report
        return program

    @property
    def most_halvings(self) -> int:
        """How many times the inner size of a network of this patch can be halved."""
        return max((node.most_halvings for node in self.nodes.values()), default=0)

    def forget_programs(self) -> None:
        """Drop every variant, when this patch no longer plays: they and this know each other."""
        self._programs.clear()
        while self._pools:
            self.graphs.put_back(*self._pools.popitem())

    def variants(self, values: Mapping[str, Any], soon: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
        """Values for up to `most` variants: the present one first, then those that come `soon` (values of the choices),
        then each choice's other candidates in turn."""
        others = ({address: c} for address in self.choices for c in self.graph.slots[address].candidates)
        wanted: dict[tuple, dict[str, Any]] = {}
        for changed in itertools.chain([{}], soon, others):
            if len(wanted) == most:
                break
            variant = {**values, **changed}
            wanted.setdefault(tuple(variant[address] for address in self.choices), variant)
        return list(wanted.values())
