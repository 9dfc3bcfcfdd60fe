"""The map of a patch: its nodes, knobs and signals, and what goes from one to the other.

Importing this imports every node type, and with them torch: `word_service.py` has it done in a process of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.flags import passing_input
from ganzfeld.patch.graph import Graph, GraphNode, Slot
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import is_named
from ganzfeld.patch.models import NodeModel, Patch, Span
from ganzfeld.patch.node import Choice, Input, Parameter, Structure, Value
from ganzfeld.patch.nodes import node_types
from ganzfeld.studio.map_words import Driver, MapInput, MapLine, MapNode, MapNumber, PatchMap, WireKind
from ganzfeld.studio.vocabulary import options_of, repr_in_patch

MOST_NODES = 400
MOST_NUMBERS = 120
"""Of one node."""
LARGEST = 1e12
"""A number above this is shown as it is written."""
LONGEST_TEXT = 200
"""Characters of an expression that are shown."""


def patch_map(text: str) -> PatchMap:
    """The map of a text. What is wrong with it is told in `problem`."""
    try:
        return _Map(text).told()
    except GanzfeldError as error:
        line = error.where.line if isinstance(error, PatchError) and error.where else None
        return PatchMap(problem=error.what, hint=error.hint, line=line or 0)


class _Map:
    def __init__(self, text: str) -> None:
        self.text = EditedText(text)
        self.patch = self.text.patch
        self.graph = Graph(_all_on(self.patch))
        self.slots = {slot.reference: slot for slot in self.graph.slots.values()}

    def told(self) -> PatchMap:
        nodes = [*self._knobs(), *self._signals(), *map(self._node, self.patch.nodes.values())][:MOST_NODES]
        known = {node.name for node in nodes}
        wires = dict.fromkeys(
            (source, node.name)
            for node in nodes
            for number in node.numbers
            for source in number.reads
            if source in known and source != node.name
        )
        return PatchMap(nodes=tuple(nodes), wires=tuple(wires))

    # Nodes

    def _node(self, model: NodeModel) -> MapNode:
        cls = node_types()[model.type]
        node = self.graph.nodes[model.name]
        lines = tuple(
            MapLine(line.name, line.method, line.span.line, self._short(line.span), line.mute, line.solo)
            for line in model.methods
        )
        makes: tuple[WireKind, ...] = () if cls.is_output else tuple(kind for kind in _kinds(cls.makes))
        numbers = sorted(self._numbers(node), key=lambda number: number.text == "")
        return MapNode(
            name=model.name,
            type=model.type,
            makes=makes,
            at=model.span.line,
            end=model.span.end_line,
            named=cls.is_output or is_named(self.text, model.name),
            output=cls.is_output,
            network=cls.plays_network,
            inputs=tuple(self._inputs(node)),
            numbers=tuple(numbers[:MOST_NUMBERS]),
            lines=lines,
            passes=passing_input(cls) is not None,
            bypass=model.bypass,
            solo=model.solo,
        )

    def _inputs(self, node: GraphNode) -> Iterator[MapInput]:
        for name, declared in node.declared_inputs().items():
            source = node.model.inputs.get(name, "")
            if source or "." not in name:
                (makes,) = _kinds((declared.makes,))
                assert makes != "number"
                yield MapInput(name, makes, declared.required, source)

    def _numbers(self, node: GraphNode) -> Iterator[MapNumber]:
        methods = {method.method: method for method in node.cls.methods}
        given = node.model.arguments
        for name, declared in node.cls.declared.items():
            if isinstance(declared, Parameter):
                yield self._number(node, "", name, declared, given[name].text if name in given else "")
        for name in given.keys() - node.cls.declared.keys():
            if node.cls.extra is not None:
                yield self._number(node, "", name, node.cls.extra, given[name].text)
        for line in node.model.methods:
            for name, declared in methods[line.method].declared.items():
                if isinstance(declared, Parameter) and name in line.arguments:
                    yield self._number(node, line.name, name, declared, line.arguments[name].text)

    def _number(self, node: GraphNode, line: str, name: str, declared: Parameter, text: str) -> MapNumber:
        address = node.addresses.get(f"{line}.{name}" if line else name, "")
        slot = self.graph.slots.get(address) if address else None
        low, high = declared.range if isinstance(declared, Value) else (None, None)
        default = declared.default if not isinstance(declared, Input) else None
        return MapNumber(
            name=name,
            line=line,
            address=address,
            kind=declared.kind,
            text=text[:LONGEST_TEXT],
            value=_plain(text) if text else _number_of(default),
            default="" if default is None or default != default else repr_in_patch(default)[:LONGEST_TEXT],
            low=low,
            high=high,
            unit=declared.unit if isinstance(declared, Value) else "",
            doc=" ".join(declared.doc.split()),
            options=options_of(declared) if isinstance(declared, Choice | Structure) else (),
            by=self._driver(slot) if slot else "text",
            reads=self._reads(slot) if slot else (),
        )

    def _knobs(self) -> Iterator[MapNode]:
        for name, knob in self.patch.knobs.items():
            by: Driver = "midi" if knob.midi else "osc" if knob.osc else "text"
            number = MapNumber(
                name="", line="", address=f"/{name}", kind="knob", value=knob.default, low=knob.low, high=knob.high,
                by=by, doc=" ".join(filter(None, ["A knob", knob.midi and f"MIDI {knob.midi}", knob.osc])),
            )  # fmt: skip
            yield MapNode(name, "knob", ("number",), knob.span.line, knob.span.end_line, numbers=(number,))

    def _signals(self) -> Iterator[MapNode]:
        for name, signal in self.patch.signals.items():
            slot, span = self.slots[name], signal.term.span
            number = MapNumber(
                name="", line="", address=slot.address, kind="signal", text=signal.term.text[:LONGEST_TEXT],
                value=_plain(signal.term.text), by=self._driver(slot), reads=self._reads(slot),
            )  # fmt: skip
            yield MapNode(name, "signal", ("number",), span.line, span.end_line, numbers=(number,))

    def _short(self, span: Span) -> str:
        return " ".join(self.text.written(span).split())[:LONGEST_TEXT]

    # What drives a number

    def _reads(self, slot: Slot) -> tuple[str, ...]:
        """The knobs, signals and nodes that it speaks of."""
        references = sorted(slot.expression.references) if slot.expression is not None else []
        return tuple(dict.fromkeys(name if name in self.slots and "." not in name else name.partition(".")[0]
                                   for name in references))  # fmt: skip

    def _driver(self, slot: Slot) -> Driver:
        if slot.expression is None:
            return "text"
        reached = list(self._reached(slot))
        heard = {address for each in reached if each.expression for address in each.expression.addresses}
        if any(address.startswith("/audio/") for address in heard):
            return "sound"
        if any(address.startswith("/midi/") for address in heard):
            return "midi"
        if heard:
            return "osc"
        return "knob" if any(each.knob is not None for each in reached) else "formula"

    def _reached(self, slot: Slot) -> Iterator[Slot]:
        """It, and all that it speaks of, however far."""
        passed, waiting = set(), [slot]
        while waiting:
            each = waiting.pop()
            if each.address not in passed:
                passed.add(each.address)
                yield each
                names = each.expression.references if each.expression is not None else ()
                waiting += [self.slots[name] for name in names if name in self.slots]


def _all_on(patch: Patch) -> Patch:
    """The patch with everything that is switched off: it is on the map, too."""
    nodes: Mapping[str, NodeModel] = {
        name: replace(
            node,
            bypass=False,
            solo=False,
            methods=tuple(replace(line, mute=False, solo=False) for line in node.methods),
        )
        for name, node in patch.nodes.items()
    }
    return replace(patch, nodes=dict(nodes))


def _kinds(makes: Iterable[str]) -> Iterator[WireKind]:
    for kind in makes:
        yield "latent" if kind == "latent" else "image"


def _plain(text: str) -> float | None:
    """The number that a text is, if it is nothing else."""
    try:
        return _number_of(ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _number_of(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LARGEST else None
