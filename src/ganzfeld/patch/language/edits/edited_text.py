"""A patch's text while it is edited: where things stand in it, and splices of it."""

from __future__ import annotations

import ast
import bisect
import itertools
import re
from collections.abc import Iterator
from functools import cached_property

from ganzfeld.errors import PatchError, nearest
from ganzfeld.patch.expressions import reserved_words
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.edits.base import Splice
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.language.text import PatchText, SyntaxPiece, lines_of
from ganzfeld.patch.models import MethodModel, NodeModel, Patch, Span
from ganzfeld.patch.node import Node
from ganzfeld.patch.nodes import node_types


class EditedText:
    """A text, and the steps that made it. Whatever is asked is of the text as it is now; it raises PatchError if that
    is no patch."""

    def __init__(self, text: str) -> None:
        self.steps: list[list[Splice]] = []
        self._take(text)

    def _take(self, text: str) -> None:
        self.text = text
        for name in ("_source", "tree", "patch", "_starts", "_calls"):
            self.__dict__.pop(name, None)

    def splice(self, *splices: Splice) -> None:
        """Change the text, in one step. They do not overlap."""
        wanted = sorted(splices)
        parts, at = [], 0
        for start, end, put in wanted:
            if start < at:
                raise PatchError("This edit changes one place twice")
            parts += [self.text[at:start], put]
            at = end
        if wanted:
            self.steps.append(wanted)
            self._take("".join([*parts, self.text[at:]]))

    # What the text says

    @cached_property
    def _source(self) -> PatchText:
        return PatchText(self.text, None)

    @cached_property
    def tree(self) -> ast.Module:
        """The text's statements."""
        return self._source.tree()

    @cached_property
    def patch(self) -> Patch:
        """What the text says."""
        return parse(self.text)

    def graph(self) -> Graph:
        """The patch, looked up."""
        return Graph(self.patch)

    def node(self, name: str) -> NodeModel:
        """A node by its name ("face", "out", or "out/image" for one that is written in place)."""
        if name not in self.patch.nodes:
            raise PatchError(f"There is no node '{name}' in the text", hint=nearest(name, self.patch.nodes))
        return self.patch.nodes[name]

    def type_of(self, name: str) -> type[Node]:
        """The type of a node."""
        return node_types()[self.node(name).type]

    def line(self, node: str, name: str) -> MethodModel:
        """A line `node.method(…)`, by its part of an address."""
        lines = {line.name: line for line in self.node(node).methods}
        if name not in lines:
            raise PatchError(f"{node} has no line '{name}' in the text", hint=nearest(name, lines))
        return lines[name]

    # Where it says that

    def place(self, line: int, column: int) -> int:
        """Lines and columns from 1 → characters from 0."""
        return self._starts[line - 1] + column - 1

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *itertools.accumulate(map(len, lines_of(self.text)))]

    def line_at(self, place: int) -> int:
        """The line (from 1) that a place is in."""
        return bisect.bisect_right(self._starts, place)

    def range_of(self, piece: SyntaxPiece | Span) -> tuple[int, int]:
        """From where to where a piece of the tree, or of the patch, stands."""
        span = piece if isinstance(piece, Span) else self._source.span(piece)
        return self.place(span.line, span.column), self.place(span.end_line, span.end_column)

    def written(self, piece: SyntaxPiece | Span) -> str:
        """What stands there."""
        start, end = self.range_of(piece)
        return self.text[start:end]

    def call(self, span: Span) -> ast.Call:
        """The call `type(…)` or `node.method(…)` that made a node or a line."""
        return self._calls[self.range_of(span)]

    @cached_property
    def _calls(self) -> dict[tuple[int, int], ast.Call]:
        return {self.range_of(each): each for each in ast.walk(self.tree) if isinstance(each, ast.Call)}

    def statements(self) -> Iterator[tuple[ast.stmt, list[ast.stmt]]]:
        """Every statement, with the statements that it is one of; those of loops, too."""
        bodies = [self.tree.body]
        while bodies:
            body = bodies.pop()
            for statement in body:
                yield statement, body
                if isinstance(statement, ast.For):
                    bodies.append(statement.body)

    def statement(self, piece: SyntaxPiece | Span, *, outermost: bool = False) -> ast.stmt:
        """The statement that a piece is in: the innermost, unless the outermost is asked for."""
        start, end = self.range_of(piece)
        holds = []
        for statement, body in self.statements():
            first, last = self.range_of(statement)
            if first <= start and end <= last:
                if outermost and body is self.tree.body:
                    return statement
                holds.append((last - first, statement))
        return min(holds, key=lambda each: each[0])[1]

    def after(self, piece: SyntaxPiece | Span) -> int:
        """Where a line goes that follows the statement of a piece: the end of the last line of that, before the line
        feed. A line put there begins with one."""
        last = self.statement(piece, outermost=True)
        for statement in self.tree.body:  # `a = 1; b = f(` goes on
            if statement.lineno == last.end_lineno:
                last = statement
        line = last.end_lineno or last.lineno
        start, end = self._starts[line - 1], self._starts[line]
        return start + len(self.text[start:end].rstrip("\r\n"))

    def before(self, piece: SyntaxPiece | Span) -> int:
        """Where a line goes that comes before the statement of a piece, above the comment that stands over it. A line
        put there ends with a line feed."""
        first = self.statement(piece, outermost=True)
        for statement in reversed(self.tree.body):  # `a = f(…); b = …`
            if statement.lineno < first.lineno and statement.end_lineno == first.lineno:
                first = statement
        line = first.lineno
        lines = lines_of(self.text)
        top = line
        while top > 1 and lines[top - 2].lstrip().startswith("#"):
            top -= 1
        # What a file begins with speaks of the whole of it.
        return self._starts[(line if top == 1 else top) - 1]

    def after_node(self, name: str) -> int:
        """Where a line goes that says something of a node: `after` the last line that does."""
        node = self.node(name)
        return max(self.after(span) for span in (node.span, *(line.span for line in node.methods)))

    @property
    def end_of_line(self) -> str:
        """How the text's lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    # Names

    def free_name(self, stem: str) -> str:
        """flip → flip1, or flip2 if that is taken."""
        stem = re.sub(r"\W", "_", stem).strip("_") or "node"
        patch = self.patch
        taken = {*patch.nodes, *patch.signals, *patch.knobs, *reserved_words(), *node_types(), *self.words()}
        return next(name for number in itertools.count(1) if (name := f"{stem}{number}") not in taken)

    def words(self) -> set[str]:
        """Every name that stands in the text."""
        return {each.id for each in ast.walk(self.tree) if isinstance(each, ast.Name)}

    def check_name(self, name: str) -> None:
        """Raises PatchError if nothing can be given this name."""
        if not name.isidentifier() or name.startswith("_"):
            raise PatchError(f"'{name}' is no name", hint="Letters, digits and _, not first a digit or _")
        if name in reserved_words() or name in node_types() or name == "knob":
            raise PatchError(f"'{name}' is a word of the language", hint="Choose another name")
        if name in self.words() or name in self.patch.nodes:
            raise PatchError(f"'{name}' is taken", hint="Choose another name")
