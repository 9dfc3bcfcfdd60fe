"""One argument of a call in the text: written, changed, or taken away; commas, comments and layout stay."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.base import Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.text import lines_of

_BLANK = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(slots=True)
class Argument:
    """An argument as it is written. name: None if it has none there. start, end: of all of it ("psi=(0.8)"), in the
    whole text. value: what it says."""

    name: str | None
    start: int
    end: int
    value: ast.expr


def arguments_of(edited: EditedText, call: ast.Call) -> list[Argument]:
    """A call's arguments, in the order of the text."""
    pieces = sorted([*call.args, *call.keywords], key=lambda each: (each.lineno, each.col_offset))
    found, shape = [], _shape(edited, call)
    for piece, (start, end) in zip(pieces, shape.arguments, strict=True):
        keyword = piece if isinstance(piece, ast.keyword) else None
        value = keyword.value if keyword else piece
        assert isinstance(value, ast.expr)
        found.append(Argument(keyword.arg if keyword else None, start, end, value))
    return found


def find(edited: EditedText, call: ast.Call, name: str, order: Sequence[str]) -> Argument | None:
    """The argument of this name, which may stand without it where `order` says; None if it is not given."""
    given = arguments_of(edited, call)
    for position, argument in enumerate(given):
        if argument.name == name or (argument.name is None and position < len(order) and order[position] == name):
            return argument
    return None


def in_quotes(text: str) -> str:
    """A text as patches are written: in double quotes, unless it has some itself."""
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & set(text) else repr(text)


def put(edited: EditedText, call: ast.Call, name: str, text: str, order: Sequence[str]) -> Splice:
    """Gives an argument: what it says is changed, or it is written after the others."""
    given = find(edited, call, name, order)
    if given is not None:
        start, end = edited.range_of(given.value)
        return Splice(start, end, text)
    shape = _shape(edited, call)
    before = "" if shape.last == "(" else " " if shape.last == "," else ", "
    return Splice(shape.last_end, shape.last_end, f"{before}{name}={text}")


def without(edited: EditedText, call: ast.Call, name: str, order: Sequence[str]) -> list[Splice]:
    """Takes an argument away, with a comma. Those after it that stood without their names get them."""
    given = arguments_of(edited, call)
    gone = find(edited, call, name, order)
    if gone is None:
        return []
    index = given.index(gone)
    later = [each for each in given[index + 1 :] if each.name is None]
    if index + len(later) >= len(order):
        raise PatchError(f"{name} cannot be taken away here", hint="Change the line by hand")
    named = [Splice(each.start, each.start, f"{order[index + 1 + n]}=") for n, each in enumerate(later)]
    if index > 0:
        start, end = given[index - 1].end, gone.end
    elif len(given) > 1:
        start, end = gone.start, given[1].start
        if named:  # both begin there
            first = named.pop(0)
            return [Splice(start, end, first.text), *named]
    else:
        shape = _shape(edited, call)
        start, end = gone.start, shape.last_end if shape.last == "," else gone.end
    return [Splice(start, end, ""), *named]


@dataclass(slots=True)
class _Shape:
    """Of a call, in places of the whole text. last: the last token before the closing bracket; last_end: its end."""

    arguments: list[tuple[int, int]]
    last: str
    last_end: int


def _shape(edited: EditedText, call: ast.Call) -> _Shape:
    """Where each argument begins and ends, brackets around it included."""
    _, opening = edited.range_of(call.func)
    _, end = edited.range_of(call)
    source = edited.text[opening:end]
    starts = [0]
    for line in lines_of(source):
        starts.append(starts[-1] + len(line))
    depth, arguments, begun, last = 0, [], None, ("(", opening + 1, opening + 1)
    for token in tokenize.generate_tokens(io.StringIO(source, newline="").readline):
        if token.type in _BLANK:
            continue
        first = opening + starts[token.start[0] - 1] + token.start[1]
        final = opening + starts[token.end[0] - 1] + token.end[1]
        closes = token.type == tokenize.OP and token.string in ")]}"
        depth -= closes
        if depth == 0 and closes:
            if begun is not None:
                arguments.append((begun, last[2]))
            return _Shape(arguments, last[0], last[2])
        if depth == 1 and token.type == tokenize.OP and token.string == ",":
            if begun is not None:
                arguments.append((begun, last[2]))
            begun = None
        elif depth >= 1 and begun is None and not closes:
            begun = first
        depth += token.type == tokenize.OP and token.string in "([{"
        last = (token.string, first, final)
    raise PatchError("This call has no end")
