"""The words of a patch as its editor completes and explains them: what `/api/words` answers.

Told once, for the server and for the page (`wire_types.py` writes the page's types). `vocabulary.py` fills them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ganzfeld.studio.map_words import MapQuestion


class ParameterWord(msgspec.Struct, frozen=True):
    """A parameter or an input. kind: as in the reference ("value", "choice", "input", …). default: as one would write
    it, "" for none. range: what a knob spans. options: what may be chosen, as one would write it."""

    name: str
    kind: str
    doc: str
    default: str = ""
    range: tuple[float, float] | None = None
    unit: str = ""
    options: tuple[str, ...] = ()


class MethodWord(msgspec.Struct, frozen=True):
    """A line `node.method(…)`."""

    name: str
    doc: str
    parameters: tuple[ParameterWord, ...] = ()


class NodeWord(msgspec.Struct, frozen=True):
    """A node type. makes: what it can be asked for, nothing for an output. example: lines of a patch."""

    name: str
    doc: str
    makes: tuple[str, ...]
    parameters: tuple[ParameterWord, ...] = ()
    methods: tuple[MethodWord, ...] = ()
    example: str = ""


class BendWord(msgspec.Struct, frozen=True):
    """A bend of layers, as it is liked. arguments: what a line says after its target ("rotate=12, channels=0.5")."""

    name: str
    doc: str
    arguments: str


class FunctionWord(msgspec.Struct, frozen=True):
    """A function of expressions. called: written with brackets."""

    name: str
    group: str
    signature: str
    doc: str
    example: str
    called: bool = True


class NameWord(msgspec.Struct, frozen=True):
    """A plain name of expressions: `t`, `beat`."""

    name: str
    doc: str


class AddressWord(msgspec.Struct, frozen=True):
    """Something of this patch that has a value on every frame. reference: its name in expressions ("face.psi"), "" for
    an address from outside. kind, range, unit, default, doc: as `ganzfeld addresses` tells them."""

    address: str
    reference: str
    kind: str
    doc: str = ""
    range: str = ""
    unit: str = ""
    default: str = ""


class NumberWord(msgspec.Struct, frozen=True):
    """A plain number of the text that a hand may turn. Lines and columns count from 1; length: in characters. low,
    high: what a knob spans."""

    address: str
    line: int
    column: int
    length: int
    low: float
    high: float
    default: float
    unit: str = ""


class NetworkWord(msgspec.Struct, frozen=True):
    """The network that a node of this patch plays: its layers in order, and its weights, by name. blends: shipped
    networks that it can be blended with."""

    node: str
    layers: tuple[str, ...]
    weights: tuple[str, ...]
    blends: tuple[str, ...] = ()


class Words(msgspec.Struct, frozen=True):
    """All there is. types: which type each node of the patch is of. blending: what a line of a blend
    says after the other network. problem: why what the patch decides (addresses, numbers, networks, types) is empty; ""
    if it is not."""

    nodes: tuple[NodeWord, ...] = ()
    bends: tuple[BendWord, ...] = ()
    functions: tuple[FunctionWord, ...] = ()
    names: tuple[NameWord, ...] = ()
    addresses: tuple[AddressWord, ...] = ()
    numbers: tuple[NumberWord, ...] = ()
    networks: tuple[NetworkWord, ...] = ()
    types: dict[str, str] = {}
    blending: str = ""
    problem: str = ""


class Question(msgspec.Struct, frozen=True, tag_field="kind", tag="words"):
    """What the process that knows the language is asked: the words of this text, whose files lie in a folder ("":
    none)."""

    text: str
    folder: str = ""


class InsideQuestion(msgspec.Struct, frozen=True, tag_field="kind", tag="insides"):
    """Or: what is inside its networks (`inside.Insides`), or inside those of the text `instead` if it is no patch."""

    text: str
    folder: str = ""
    instead: str = ""


class EditQuestion(msgspec.Struct, frozen=True, tag_field="kind", tag="edit"):
    """Or: what an edit (`patch.language.edits`) makes of this text."""

    text: str
    do: str
    arguments: dict[str, Any] = {}


class EditAnswer(msgspec.Struct, frozen=True):
    """The steps of an edit, as `splices_of` gives them; None: it cannot be done, and `what` and `hint` say why."""

    steps: Sequence[Sequence[tuple[int, int, str]]] | None = None
    what: str = ""
    hint: str = ""


AnyQuestion = Question | InsideQuestion | EditQuestion | MapQuestion
