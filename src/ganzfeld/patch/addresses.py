"""Everything of a patch that can be reached from outside: its own addresses, and those that its expressions read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ganzfeld.patch.graph import Graph, Slot
from ganzfeld.patch.models import Patch, Term
from ganzfeld.patch.node import Choice, HostValue, Toggle, Value


@dataclass(frozen=True, slots=True)
class Address:
    """One address. kind: "value", "host value", "choice", "signal", "knob", or "read": an expression reads it.

    range: what it may be, in words. text: what the patch says of it, or "". default: what it is otherwise.
    """

    address: str
    kind: str
    range: str = ""
    unit: str = ""
    default: Any = None
    text: str = ""
    doc: str = ""


def addresses(graph: Graph) -> list[Address]:
    """A patch's table of addresses: what can be turned, in the text's order, then what its expressions read."""
    owned = [_owned(slot, graph.patch) for slot in graph.slots.values()]
    own = {row.address for row in owned}
    read = {address: readers for address, readers in _read(graph.patch).items() if address not in own}
    return owned + [
        Address(address, "read", doc=f"Read by {', '.join(dict.fromkeys(readers))}")
        for address, readers in read.items()
    ]


def _owned(slot: Slot, patch: Patch) -> Address:
    parameter, knob = slot.parameter, slot.knob
    text = "" if slot.text is None else " ".join(slot.text.split())
    if knob is not None:
        ways = [word for word in (knob.osc, f"MIDI {knob.midi}" if knob.midi else None) if word]
        doc = f"A knob; also {' and '.join(ways)}" if ways else "A knob"
        return Address(slot.address, slot.kind, f"{knob.low:g} … {knob.high:g}", "", knob.default, "", doc)
    if parameter is None:
        return Address(slot.address, slot.kind, text=text, doc="A named signal")
    row = {"text": text, "default": parameter.default, "doc": " ".join(parameter.doc.split())}
    if isinstance(parameter, Toggle):
        return Address(slot.address, slot.kind, "off, on", **row)
    if isinstance(parameter, Choice):
        options = parameter.options or slot.candidates
        return Address(slot.address, slot.kind, ", ".join(map(str, options)), **row)
    if isinstance(parameter, Value):
        low, high = parameter.range
        several = isinstance(parameter, HostValue) and parameter.vector
        return Address(
            slot.address, slot.kind, f"{low:g} … {high:g}" + ", several" * several, unit=parameter.unit, **row
        )
    return Address(slot.address, slot.kind, **row)


def _read(patch: Patch) -> Mapping[str, list[str]]:
    """Outside addresses that stand in expressions, with who reads them."""
    read: dict[str, list[str]] = {}
    for owner, term in _terms(patch):
        for address in _outside(term):
            read.setdefault(address, []).append(owner)
    for knob in patch.knobs.values():
        for address in (knob.osc, f"/midi/cc/{knob.midi}" if knob.midi else None):
            if address:
                read.setdefault(address, []).append(knob.name)
    return read


def _terms(patch: Patch) -> Iterator[tuple[str, Term]]:
    for signal in patch.signals.values():
        yield signal.name, signal.term
    for node in patch.nodes.values():
        for key, term in node.arguments.items():
            yield f"{node.name}.{key}", term
        for line in node.methods:
            for key, term in line.arguments.items():
                yield f"{node.name}.{line.name}.{key}", term


def _outside(term: Term) -> Iterator[str]:
    for node in ast.walk(ast.parse(term.text.strip(), mode="eval")):
        match node:
            case ast.Call(func=ast.Name(id="osc" | "hit"), args=[ast.Constant(value=str(address)), *_]):
                yield address
            case ast.Call(
                func=ast.Name(id="cc" | "note" as kind), args=[ast.Constant() as channel, ast.Constant() as n]
            ):
                yield f"/midi/{kind}/{channel.value}/{n.value}"
            case ast.Attribute(value=ast.Name(id="audio"), attr=name) if name != "band":
                yield f"/audio/{name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="audio"), attr="band"), args=[ast.Constant(value=k)]):
                yield f"/audio/band/{k}"
