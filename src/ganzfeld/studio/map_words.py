"""The map of a patch, as the page is told of it: what `/api/map` answers. `map.py` fills it in.

Told once, for the server and for the page (`wire_types.py` writes the page's types). Lines count from 1.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Driver = Literal["text", "formula", "knob", "midi", "osc", "sound"]
"""What a number follows, as the text says it: a plain number (or its default), a formula of time or of other values, a
knob, a controller, a message of OSC, sound. What a hand or a snapshot holds is told by `values.desk.Desk`."""
WireKind = Literal["image", "latent", "number"]


class MapNumber(msgspec.Struct, frozen=True):
    """A parameter of a node or of one of its lines, or the value of a knob or of a signal.

    name: the parameter's ("psi"). line: the line's part of an address, "" for the node itself. address: where a hand
    turns it, "" for what is fixed. kind: as in the reference ("value", "choice", …). text: what is written, "" for the
    default. value: the plain number that it is then, if it is one. low, high: what a knob spans. options: what may be
    chosen, as one would write it. by: what it follows; reads: the knobs, signals and nodes that its text speaks of.
    """

    name: str
    line: str
    address: str
    kind: str
    text: str = ""
    value: float | None = None
    default: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    doc: str = ""
    options: tuple[str, ...] = ()
    by: Driver = "text"
    reads: tuple[str, ...] = ()


class MapInput(msgspec.Struct, frozen=True):
    """An input. name: "latent", or "ring.latent" of a line. source: the node it reads, "" for none."""

    name: str
    makes: Literal["image", "latent"]
    required: bool
    source: str = ""


class MapLine(msgspec.Struct, frozen=True):
    """A line `node.method(…)`. name: its part of an address. at: where it stands. text: as it is written."""

    name: str
    method: str
    at: int
    text: str
    mute: bool = False
    solo: bool = False


class MapNode(msgspec.Struct, frozen=True):
    """A node, a knob or a signal. name: its own, or "out/image" if it is written in place; type: "noise", …; "knob",
    "signal". makes: what it can be asked for; "number" of knobs and signals. at, end: its first and last line. numbers:
    those that are written come first. passes: it can be bypassed."""

    name: str
    type: str
    makes: tuple[WireKind, ...]
    at: int
    end: int
    named: bool = True
    output: bool = False
    network: bool = False
    inputs: tuple[MapInput, ...] = ()
    numbers: tuple[MapNumber, ...] = ()
    lines: tuple[MapLine, ...] = ()
    passes: bool = False
    bypass: bool = False
    solo: bool = False


class PatchMap(msgspec.Struct, frozen=True):
    """The map of the document at this version of its log. wires: between numbers, from whom to whom, by their names;
    those between pictures and latents are inputs. problem: why there is none, in words."""

    nodes: tuple[MapNode, ...] = ()
    wires: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    hint: str = ""
    line: int = 0
    log: str = ""
    version: int = 0


class MapQuestion(msgspec.Struct, frozen=True, tag_field="kind", tag="map"):
    """What the process that knows the language is asked: the map of this text."""

    text: str


def told(answer: bytes, log: str, version: int) -> bytes:
    """An answer about a text, with the document's version that the text is of."""
    found: dict[str, Any] = msgspec.json.decode(answer)
    return msgspec.json.encode(found | {"log": log, "version": version})
