"""A patch looked up: every word resolved, every expression compiled, everything in order.

No device and no file is touched here. What a running show needs is a `Graph`; what has to be built again when the
text changes is told by comparing `Graph.structure`.
"""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ganzfeld.errors import GanzfeldError, PatchError, Where, nearest
from ganzfeld.patch.constants import constant, constant_value, with_moving
from ganzfeld.patch.expressions import Expression, Scope, compile_expression
from ganzfeld.patch.flags import as_played
from ganzfeld.patch.models import KnobModel, NodeModel, Patch, Span, Term
from ganzfeld.patch.node import Choice, HostValue, Input, Node, Parameter, Seed, Structure, Toggle, Value
from ganzfeld.patch.nodes import node_types
from ganzfeld.values.arrivals import arrived


@dataclass(slots=True)
class Slot:
    """One thing with an address that has a value every frame: a parameter, a named signal, a knob.

    `reference` is its name in expressions ("face.psi", "kick"), `text` what its owner wrote (None: the default).
    """

    address: str
    reference: str
    where: Where
    parameter: Parameter | None = None
    expression: Expression | None = None
    knob: KnobModel | None = None
    initial: Any = 0.0
    text: str | None = None
    candidates: tuple[Any, ...] = ()

    @property
    def fans(self) -> bool:
        """Whether it has a value for each match of its line (its expression speaks of `i` or `n`)."""
        return self.expression is not None and self.expression.uses_match

    @property
    def has_channels(self) -> bool:
        """Whether it has a value for each channel (its expression speaks of `c`)."""
        return self.expression is not None and self.expression.uses_channel

    @property
    def kind(self) -> str:
        """ "value", "host value", "choice", "signal" or "knob"."""
        return self.parameter.kind if self.parameter else "knob" if self.knob else "signal"

    def admit(self, value: Any) -> Any:
        """A value from outside or from an expression as this slot takes it. Raises PatchError if it cannot be."""
        parameter = self.parameter
        if self.knob is not None:
            low, high = sorted((self.knob.low, self.knob.high))
            return min(max(self._number(value), low), high)
        if isinstance(parameter, Toggle):
            if isinstance(value, str):
                raise PatchError(f"{self.reference} is True or False, not '{value}'", where=self.where)
            return bool(value)
        if isinstance(parameter, Choice):
            if value in self.candidates or (parameter.options and value in parameter.options):
                return value
            known = [str(option) for option in parameter.options or self.candidates]
            raise PatchError(f"{self.reference} cannot be '{value}'", where=self.where, hint=nearest(str(value), known))
        if isinstance(parameter, Value):
            if isinstance(parameter, HostValue) and parameter.vector and isinstance(value, list | tuple):
                return [self._limited(parameter, item) for item in value]
            return self._limited(parameter, value)
        return value

    def admit_channels(self, values: np.ndarray) -> np.ndarray:
        """An expression's value for each channel as this slot takes it."""
        assert isinstance(self.parameter, Value)
        return np.clip(values, *self.parameter.limits)

    def _limited(self, parameter: Value, value: Any) -> float:
        if isinstance(parameter, Seed):
            try:
                return parameter.number(value if isinstance(value, str) else self._number(value))
            except GanzfeldError as error:
                raise PatchError(error.what, where=self.where, hint=error.hint) from None
        low, high = parameter.limits
        return min(max(self._number(value), low), high)

    def _number(self, value: Any) -> float:
        if value.__class__ is float and value - value == 0:  # by far the most
            return value
        if isinstance(value, bool | int | float) and arrived(value) is not None:
            return float(value)
        raise PatchError(f"{self.reference} is a number, not {value!r:.40}", where=self.where)


_numbers = itertools.count(1)


def _line_of(cls: type[Node]) -> str:
    """A line of a patch with this output, for a hint."""
    return f"{cls.word}(face)"


@dataclass(slots=True)
class GraphNode:
    """A node with its type looked up. `addresses`: parameter (or "line.parameter" of a method line) → address.
    `places`: where each of those that are written stands; `lines`: where each method line does."""

    name: str
    cls: type[Node]
    model: NodeModel
    inputs: dict[str, str] = field(default_factory=dict)
    structure: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    where: Where = field(default_factory=Where)
    places: dict[str, Where] = field(default_factory=dict)
    lines: dict[str, Where] = field(default_factory=dict)

    def declared_inputs(self) -> dict[str, Input]:
        """Its type's inputs, and those of its method lines ("line.input")."""
        methods = {method.method: method for method in self.cls.methods}
        found = self.cls.declared_inputs()
        for line in self.model.methods:
            found |= {f"{line.name}.{key}": each for key, each in methods[line.method].declared_inputs().items()}
        return found

    def inputs_of(self, line: str) -> list[str]:
        """The inputs that are written in a method line."""
        return [name.removeprefix(f"{line}.") for name in self.inputs if name.rpartition(".")[0] == line]

    def place(self, parameter: str) -> Where:
        """Where a parameter stands in the text, or its line or the node if it is not written."""
        return self.places.get(parameter) or self.lines.get(parameter.rpartition(".")[0], self.where)


class Graph:
    """A patch, looked up. Raises PatchError on the first thing that cannot be played.

    number: tells this graph from every other one of the process.
    """

    def __init__(self, patch: Patch) -> None:
        self.patch = patch = as_played(patch)
        self.number = next(_numbers)
        self.slots: dict[str, Slot] = {}
        self.nodes = {name: self._node(model) for name, model in patch.nodes.items()}
        self.scope = Scope(
            signals=frozenset(patch.signals) | frozenset(patch.knobs),
            parameters={
                name: frozenset(key for key in node.addresses if "." not in key) for name, node in self.nodes.items()
            },
            nodes=frozenset(self.nodes),
            statements={word: _line_of(cls) for word, cls in node_types().items() if cls.is_output},
        )
        self._knobs_and_signals()
        for node in self.nodes.values():
            self._compile(node)
        self._link()
        self.order = self._order()
        self.node_order = self._node_order()
        self.outs = [name for name, node in self.nodes.items() if node.cls.is_output]
        if not self.outs:
            where = Where(file=patch.file)
            raise PatchError("The patch has no output", where=where, hint="Add a line such as out(name)")

    @property
    def structure(self) -> tuple:
        """What a built program depends on: two graphs with equal structure run on the same programs."""
        nodes = tuple(
            (
                node.name,
                node.cls.word,
                tuple(sorted(node.inputs.items())),
                tuple((key, repr(value)) for key, value in node.structure.items()),
                tuple((line.method, line.name) for line in node.model.methods),
                tuple((key, *self._shape(address)) for key, address in node.addresses.items()),
            )
            for node in self.nodes.values()
        )
        return nodes, self.patch.settings.hold is not None

    def _shape(self, address: str) -> tuple:
        slot = self.slots[address]
        return slot.candidates, slot.fans, slot.has_channels, slot.text is None

    def texts(self) -> dict[str, str | None]:
        """What the text says of every address; a save applies only where this changed."""
        return {address: slot.text for address, slot in self.slots.items()}

    # Looking up

    def _where(self, span: Span, address: str | None = None) -> Where:
        return self.patch.where(span, address)

    def _node(self, model: NodeModel) -> GraphNode:
        types = node_types()
        where = self._where(model.span, f"/{model.name}")
        if model.type not in types:
            raise PatchError(f"There is no node type '{model.type}'", where=where, hint=nearest(model.type, types))
        cls = types[model.type]
        model = with_moving(model, cls)
        node = GraphNode(model.name, cls, model, where=where)
        node.inputs = dict(model.inputs)
        parameters = dict(cls.declared_parameters())
        if cls.extra is not None:
            parameters |= {key: cls.extra for key in model.arguments if key not in cls.declared}
        self._parameters(node, "", parameters, model.arguments)
        methods = {method.method: method for method in cls.methods}
        for line in model.methods:
            node.lines[line.name] = self._where(line.span, f"/{node.name}/{line.name}")
            declared = methods[line.method].present(line.arguments)
            self._parameters(node, line.name, declared, line.arguments)
        return node

    def _parameters(
        self, node: GraphNode, line: str, declared: Mapping[str, Parameter], given: Mapping[str, Term]
    ) -> None:
        for key, parameter in declared.items():
            term = given.get(key)
            name = f"{line}.{key}" if line else key
            address = f"/{node.name}/{line}/{key}" if line else f"/{node.name}/{key}"
            where = self._where(term.span, address) if term else node.where
            if term:
                node.places[name] = where
            if isinstance(parameter, Structure):
                node.structure[name] = self._structure(parameter, term, where)
                continue
            node.addresses[name] = address
            reference = f"{node.name}.{name}"
            self.slots[address] = Slot(
                address, reference, where, parameter, initial=parameter.default, text=term.text if term else None
            )

    def _structure(self, parameter: Structure, term: Term | None, where: Where) -> Any:
        value = constant(term, where) if term else parameter.default
        try:
            return parameter.check(value)
        except GanzfeldError as error:
            raise PatchError(error.what, where=where, hint=error.hint) from None
        except (TypeError, ValueError) as error:
            raise PatchError(f"{parameter.name}: {error}", where=where) from None

    def _knobs_and_signals(self) -> None:
        for name, knob in self.patch.knobs.items():
            text = f"{knob.low} {knob.high} {knob.default}"
            where = self._where(knob.span, f"/{name}")
            self.slots[f"/{name}"] = Slot(f"/{name}", name, where, knob=knob, initial=knob.default, text=text)
        for name, signal in self.patch.signals.items():
            slot = Slot(f"/{name}", name, self._where(signal.term.span, f"/{name}"), text=signal.term.text)
            self.slots[slot.address] = slot
            self._expression(slot, signal.term)

    def _compile(self, node: GraphNode) -> None:
        terms = dict(node.model.arguments)
        for line in node.model.methods:
            terms |= {f"{line.name}.{key}": term for key, term in line.arguments.items()}
        for name, address in node.addresses.items():
            slot = self.slots[address]
            if name in terms:
                self._expression(slot, terms[name])
            self._candidates(slot)

    def _expression(self, slot: Slot, term: Term) -> None:
        channels = isinstance(slot.parameter, Value) and slot.parameter.channels
        scope = replace(self.scope, channels=True) if channels else self.scope
        expression = compile_expression(
            term.text, scope=scope, owner=slot.address, where=slot.where, constants=term.constants
        )
        if expression.is_constant:
            value = constant_value(expression)
            slot.initial = value if isinstance(slot.parameter, Choice) else slot.admit(value)
        else:
            slot.expression = expression

    def _candidates(self, slot: Slot) -> None:
        parameter = slot.parameter
        if not isinstance(parameter, Choice):
            return
        if isinstance(parameter, Toggle):
            slot.candidates = (False, True) if slot.expression else (bool(slot.initial),)
            slot.initial = slot.candidates[0]
            return
        if slot.expression is None:
            candidates: tuple[Any, ...] = (slot.initial,)
        elif slot.expression.literals is None:
            what = f"{slot.reference} is a choice: each thing it may be has to stand in the text"
            raise PatchError(what, where=slot.where, hint='For example: seq("image b8 b16", beats=4)')
        else:
            candidates = tuple(dict.fromkeys(slot.expression.literals))
        for candidate in candidates:
            if parameter.options is not None and candidate not in parameter.options:
                hint = nearest(str(candidate), map(str, parameter.options))
                raise PatchError(f"{slot.reference} cannot be '{candidate}'", where=slot.where, hint=hint)
        slot.candidates, slot.initial = candidates, candidates[0]

    def _link(self) -> None:
        for node in self.nodes.values():
            for name, declared in node.declared_inputs().items():
                if name not in node.inputs:
                    if declared.required:
                        what = f"{node.cls.word} needs its input '{name}'"
                        raise PatchError(what, where=node.place(name), hint=declared.doc)
                    continue
                source = self.nodes.get(node.inputs[name])
                if source is None:
                    what = f"'{name}' of {node.cls.word} reads '{node.inputs[name]}', and there is no such node"
                    raise PatchError(what, where=node.place(name), hint=nearest(node.inputs[name], self.nodes))
                if declared.makes not in source.cls.makes:
                    makes = " or a ".join(source.cls.makes) or "nothing"
                    what = f"'{name}' of {node.cls.word} reads a {declared.makes}, but '{source.name}' makes a {makes}"
                    raise PatchError(what, where=node.place(name))

    def _order(self) -> list[Slot]:
        """Slots so that each comes after those that its expression refers to."""
        by_reference = {slot.reference: slot for slot in self.slots.values()}
        references = {
            slot.address: [by_reference[name].address for name in slot.expression.references] if slot.expression else []
            for slot in self.slots.values()
        }
        return [self.slots[address] for address in self._sorted(references, "These refer to each other")]

    def _node_order(self) -> list[str]:
        inputs = {name: list(node.inputs.values()) for name, node in self.nodes.items()}
        hint = "No node is made of its own picture: not by a mask, and not through feedback(…) either"
        return self._sorted(inputs, "These nodes feed each other in a circle", hint)

    def _sorted(self, edges: Mapping[str, Iterable[str]], what: str, hint: str = "") -> list[str]:
        try:
            return list(graphlib.TopologicalSorter(edges).static_order())
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            first = circle[0]
            where = self.slots[first].where if first in self.slots else self.nodes[first].where
            raise PatchError(f"{what}: {' → '.join(circle)}", where=where, hint=hint) from None
