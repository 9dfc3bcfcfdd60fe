"""Edits of a patch's text by the program: a person binds a controller or an OSC address to a parameter, and the text
comes to say so.

A new piece of text is put between two places; whatever stands around them (comments, layout) stays as it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.expressions import reserved_words
from ganzfeld.patch.graph import Graph, Slot
from ganzfeld.patch.knobs import position_of
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.language.text import lines_of
from ganzfeld.patch.models import Span
from ganzfeld.patch.node import Value
from ganzfeld.patch.nodes import node_types
from ganzfeld.python_grammar import parse_python
from ganzfeld.values.desk import LearnableNumber


def numbers(text: str, file: str | None = None) -> list[LearnableNumber]:
    """Every parameter that could be given to a knob of its own. Raises PatchError if the text is no patch."""
    found: dict[tuple[int, int], LearnableNumber] = {}
    for slot in Graph(parse(text, file)).slots.values():
        if _literal(slot) is not None and slot.where.line and slot.where.column:
            place = (slot.where.line, slot.where.column)
            found.setdefault(
                place, LearnableNumber(slot.address, *place, len(slot.text or ""))
            )  # a loop's line is one place
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Edited:
    """A text with a knob written anew. address: the knob's. position: where (0 to 1) its text puts it."""

    text: str
    address: str
    position: float


Argument = Literal["midi", "osc"]
"""Of a knob: what turns it."""
_PLACES: dict[Argument, int] = {"midi": 3, "osc": 4}
"""Where it stands among the arguments that are given without a name."""


def with_control(
    text: str,
    address: str,
    control: str | None,
    argument: Argument = "midi",
    *,
    value: float | None = None,
    file: str | None = None,
) -> Edited:
    """The text in which a MIDI controller ("channel/number") or an OSC address turns what is at an address; None: none
    of this kind does.

    A knob gets or loses its `midi=` or `osc=`. For a parameter that is a plain number, a knob of its own is written
    above, over the parameter's range, and its name takes the number's place. value: where it stands now, if not where
    the text says. Raises PatchError if the text has no place for it.
    """
    graph = Graph(parse(text, file))
    slot = graph.slots.get(address)
    if slot is None:
        raise PatchError(f"There is nothing at {address}")
    if slot.knob is not None:
        edited, knob = _of_knob(text, slot.knob.span, control, argument), slot.knob.name
    elif control is None:
        raise PatchError(f"{slot.reference} is no knob, so no control turns it", where=slot.where)
    else:
        edited, knob = _own_knob(text, graph, slot, _given(control, argument), value)
    try:
        written = Graph(parse(edited, file)).patch.knobs.get(knob)
    except GanzfeldError as error:
        raise PatchError(f"The knob cannot be written: {error.what}", where=slot.where, hint=error.hint) from None
    if written is None or getattr(written, argument) != control:
        hint = f"Write it by hand: {_given(control or '', argument)}"
        raise PatchError("The knob cannot be written here", where=slot.where, hint=hint)
    return Edited(edited, f"/{knob}", position_of(written, written.default))


# Places


def _index(text: str, line: int, column: int) -> int:
    return sum(map(len, lines_of(text)[: line - 1])) + column - 1


def _between(text: str, span: Span) -> tuple[int, int]:
    return _index(text, span.line, span.column), _index(text, span.end_line, span.end_column)


# A knob's own call


def _given(control: str, argument: Argument) -> str:
    """The argument as a person writes it."""
    return f"{argument}={json.dumps(control, ensure_ascii=False)}"


def _of_knob(text: str, span: Span, control: str | None, argument: Argument) -> str:
    start, end = _between(text, span)
    call = text[start:end]
    tree = parse_python(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    arguments = [*tree.args, *tree.keywords]
    given = next((keyword for keyword in tree.keywords if keyword.arg == argument), None)
    place = _PLACES[argument]
    value = given.value if given else tree.args[place] if len(tree.args) > place else None
    if value is not None:
        if control is None:
            first, last = _removal(call, given or value, arguments, argument)
            return text[: start + first] + text[start + last :]
        first, last = _extent(call, value)
        return f"{text[: start + first]}{json.dumps(control, ensure_ascii=False)}{text[start + last :]}"
    if control is None:
        return text
    if arguments:
        _, place = _extent(call, max(arguments, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0)))
        return f"{text[: start + place]}, {_given(control, argument)}{text[start + place :]}"
    place = call.index("(") + 1
    return f"{text[: start + place]}{_given(control, argument)}{text[start + place :]}"


def _removal(
    call: str, gone: ast.expr | ast.keyword, arguments: list[ast.expr | ast.keyword], argument: Argument
) -> tuple[int, int]:
    """From where to where an argument is taken out, with the comma before it (or after it, if it is the first)."""
    first, last = _extent(call, gone)
    if not isinstance(gone, ast.keyword):
        later = [node for node in arguments if _extent(call, node)[0] > last]
        if any(not isinstance(node, ast.keyword) for node in later):  # they would move up
            what = f"The {argument} of this knob is given without its name"
            raise PatchError(what, hint=f'Write it as {argument}="…" once')
    before = [_extent(call, node)[1] for node in arguments if _extent(call, node)[1] <= first]
    if before:
        return max(before), last
    after = [_extent(call, node)[0] for node in arguments if _extent(call, node)[0] >= last]
    return first, min(after, default=last)


def _extent(source: str, node: ast.expr | ast.keyword) -> tuple[int, int]:
    """Where a piece of the tree stands in its source, in characters (ast counts bytes of UTF-8)."""
    lines = lines_of(source)

    def place(line: int, offset: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:offset].decode(errors="ignore"))

    return place(node.lineno, node.col_offset), place(node.end_lineno or 1, node.end_col_offset or 0)


# A knob of a parameter's own


def _literal(slot: Slot) -> float | None:
    """The plain number that the text says, if it says one."""
    if not isinstance(slot.parameter, Value) or slot.text is None:
        return None
    try:
        value = ast.literal_eval(slot.text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _own_knob(text: str, graph: Graph, slot: Slot, given: str, value: float | None) -> tuple[str, str]:
    number = _literal(slot)
    if number is None or slot.text is None or not slot.where.line or not slot.where.column:
        raise PatchError(
            f"{slot.reference} is not a plain number in the text",
            where=slot.where,
            hint=f"Write a knob and use its name: push = knob(0, 1, {given})",
        )
    assert isinstance(slot.parameter, Value)
    value = number if value is None else value
    low, high = slot.parameter.range
    low, high = min(low, value), max(high, value)
    name = _free_name(graph, slot.address)
    start = _index(text, slot.where.line, slot.where.column)
    if text[start : start + len(slot.text)] != slot.text:
        raise PatchError(f"{slot.reference} is not where it was", where=slot.where)
    place = _place_above(text, graph, slot.where.line)
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    line = f"{name} = knob({_written(low)}, {_written(high)}, default={_written(value)}, {given}){end_of_line}"
    return text[:place] + line + text[place:start] + name + text[start + len(slot.text) :], name


def _place_above(text: str, graph: Graph, line: int) -> int:
    """The beginning of a line above `line`: below the knobs that stand there, else above its statement and what
    comments on it."""
    body = parse_python(text).body
    knobs = {knob.span.line for knob in graph.patch.knobs.values()}
    above = [node for node in body if node.lineno in knobs and (node.end_lineno or node.lineno) < line]
    lines = lines_of(text)
    if above:
        after = above[-1].end_lineno or above[-1].lineno
        if not any(node.lineno == after for node in body if node is not above[-1]):  # not `a = knob(); b = …`
            return sum(map(len, lines[:after]))
    statement = max((node.lineno for node in body if node.lineno <= line), default=1)
    first = statement
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    if first == 1:  # what a file begins with speaks of the whole of it
        first = statement
    return sum(map(len, lines[: first - 1]))


def _free_name(graph: Graph, address: str) -> str:
    """/face/spin/rotate → spin_rotate, or spin_rotate2 if that is taken."""
    words = [re.sub(r"\W", "_", part).strip("_") for part in address.split("/")[-2:]]
    stem = "_".join(word for word in words if word) or "knob1"
    stem = stem if stem.isidentifier() and not stem[0].isdigit() else f"k_{stem}"
    taken = {*graph.nodes, *graph.patch.signals, *graph.patch.knobs, *reserved_words(), *node_types(), "knob"}
    return next(name for name in _numbered(stem) if name not in taken)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}{number}"
        number += 1


def _written(value: float) -> str:
    """A number as a person would write it."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(float(value))
