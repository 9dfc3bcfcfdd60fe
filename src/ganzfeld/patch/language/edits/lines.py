"""Lines `node.method(…)` as pieces of the text: found again, written below others, changed for one another."""

from __future__ import annotations

import ast
import re

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.base import Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.text import lines_of
from ganzfeld.patch.models import MethodModel

_TARGET = re.compile(r"[\w.*?!\[\]-]{1,200}")


def the_line(edited: EditedText, node: str, name: str, at: int) -> MethodModel:
    """A line by its part of an address. at: the line of the text that the page saw it on; 0: it does not matter.
    Raises PatchError if it stands elsewhere now: another line may have its name since."""
    line = edited.line(node, name)
    if at and line.span.line != at:
        raise PatchError("The text has changed meanwhile", hint="Try again")
    return line


def write_below(edited: EditedText, node: str, method: str, line: str) -> None:
    """A line is written below the node's last line of this method, or below all that is said of it."""
    spans = [each.span for each in edited.node(node).methods if each.method == method]
    place = max(map(edited.after, spans)) if spans else edited.after_node(node)
    edited.splice(Splice(place, place, f"{edited.end_of_line}{line}"))


def quoted(target: str) -> str:
    """A layer's or weight's name, or a glob, as the text has it. Raises PatchError if it is none."""
    if not _TARGET.fullmatch(target):
        raise PatchError(f"'{target:.60}' is no layer or weight")
    return f'"{target}"'


def change_places(edited: EditedText, one: MethodModel, other: MethodModel) -> None:
    """Two lines come to stand in each other's places, with the comments that belong to them. Raises PatchError if one
    of them stands in a loop, or shares its line with something else."""
    upper, lower = sorted((_statement(edited, one), _statement(edited, other)), key=lambda each: each.lineno)
    if upper is lower:
        raise PatchError("A loop makes both lines", hint="Change their order by hand")
    lines = lines_of(edited.text)
    tops = [_top(lines, upper), _top(lines, lower)]
    if _is_heading(lines, tops, upper, lower):
        tops[0] = upper.lineno
    blocks = []
    for top, statement in zip(tops, (upper, lower)):
        last = statement.end_lineno or statement.lineno
        start, end = edited.place(top, 1), edited.place(last, 1) + len(lines[last - 1].rstrip("\r\n"))
        blocks.append((start, end, edited.text[start:end]))
    (start, end, above), (start_below, end_below, below) = blocks
    edited.splice(Splice(start, end, below), Splice(start_below, end_below, above))


def _statement(edited: EditedText, line: MethodModel) -> ast.stmt:
    statement = edited.statement(line.span)
    shares = any(
        each is not statement and {each.lineno, each.end_lineno} & {statement.lineno, statement.end_lineno}
        for each in edited.tree.body
    )
    if statement not in edited.tree.body or shares:
        what = f"The line '{line.name}' stands in a loop, or shares its line with another"
        raise PatchError(what, hint="Change the order by hand")
    return statement


def _top(lines: list[str], statement: ast.stmt) -> int:
    """The first line of the comment that stands directly over a statement, or its own."""
    top = statement.lineno
    while top > 1 and lines[top - 2].lstrip().startswith("#"):
        top -= 1
    return top


def _is_heading(lines: list[str], tops: list[int], upper: ast.stmt, lower: ast.stmt) -> bool:
    """Whether the comment over the upper one begins a paragraph that the lower one, without a comment of its own, is
    in: it speaks of both, and stays where it is."""
    begins = tops[0] == 1 or not lines[tops[0] - 2].strip()
    together = all(line.strip() for line in lines[upper.lineno - 1 : lower.lineno - 1])
    return tops[0] < upper.lineno and tops[1] == lower.lineno and begins and together
