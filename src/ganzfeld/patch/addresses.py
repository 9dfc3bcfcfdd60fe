"""Everything of a patch that can be reached from outside: its own addresses, and those that its expressions read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ganzfeld.patch.graph import Graph, Slot
from ganzfeld.patch.knobs import midi_address
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
    owned = [_owned(slot) for slot in graph.slots.values()]
    own = {row.address for row in owned}
    read = {address: readers for address, readers in read_addresses(graph).items() if address not in own}
    return owned + [
        Address(address, "read", doc=f"Read by {', '.join(dict.fromkeys(readers))}")
        for address, readers in read.items()
    ]


def _owned(slot: Slot) -> Address:
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


def read_addresses(graph: Graph) -> dict[str, list[str]]:
    """Addresses from outside that expressions and knobs read, with who reads them."""
    read: dict[str, list[str]] = {}
    for slot in graph.slots.values():
        for address in slot.expression.addresses if slot.expression is not None else ():
            read.setdefault(address, []).append(slot.reference)
    for knob in graph.patch.knobs.values():
        for address in (knob.osc, midi_address(knob)):
            if address:
                read.setdefault(address, []).append(knob.name)
    return read
