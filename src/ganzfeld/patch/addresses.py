"""Everything of a patch that can be reached from outside: its own addresses, and those that its expressions read."""

from __future__ import annotations

from ganzfeld.patch.graph import Graph, Slot
from ganzfeld.patch.knobs import midi_address
from ganzfeld.patch.node import Choice, HostValue, Toggle, Value
from ganzfeld.values.addresses import Address


def addresses(graph: Graph) -> list[Address]:
    """A patch's table of addresses: what can be turned, in the text's order, then what its expressions read."""
    owned = [_owned(slot) for slot in graph.slots.values()]
    own, hits = {row.address for row in owned}, counted_hits(graph)
    read = {address: readers for address, readers in read_addresses(graph).items() if address not in own}
    return owned + [
        Address(address, "read", doc=f"Read by {', '.join(dict.fromkeys(readers))}", hits=address in hits)
        for address, readers in read.items()
    ]


def _owned(slot: Slot) -> Address:
    parameter, knob = slot.parameter, slot.knob
    text = "" if slot.text is None else " ".join(slot.text.split())
    if knob is not None:
        low, high = sorted((knob.low, knob.high))
        ways = [word for word in (knob.osc, f"MIDI {knob.midi}" if knob.midi else None) if word]
        doc = f"A knob; also {' and '.join(ways)}" if ways else "A knob"
        words = f"{knob.low:g} … {knob.high:g}"
        return Address(slot.address, slot.kind, words, default=knob.default, doc=doc, low=low, high=high)
    if parameter is None:
        return Address(slot.address, slot.kind, text=text, doc="A named signal")
    row = {"text": text, "default": parameter.default, "doc": " ".join(parameter.doc.split())}
    if isinstance(parameter, Toggle):
        return Address(slot.address, slot.kind, "off, on", choices=(False, True), **row)
    if isinstance(parameter, Choice):
        options = parameter.options or slot.candidates
        return Address(slot.address, slot.kind, ", ".join(map(str, options)), choices=tuple(options), **row)
    if isinstance(parameter, Value):
        low, high = parameter.range
        several = isinstance(parameter, HostValue) and parameter.vector
        words = f"{low:g} … {high:g}" + ", several" * several
        return Address(slot.address, slot.kind, words, unit=parameter.unit, low=low, high=high, **row)
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


def counted_hits(graph: Graph) -> frozenset[str]:
    """Addresses whose hits a patch's expressions count."""
    expressions = (slot.expression for slot in graph.slots.values())
    return frozenset(address for each in expressions if each is not None for address in each.hits)
