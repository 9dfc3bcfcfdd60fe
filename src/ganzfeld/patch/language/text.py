"""A patch's text as Python's grammar reads it: its tree, and where each piece of it stands.

The text is read with the standard `ast`: every piece keeps its exact place, so that an edit is a splice of the text
and whatever stands around it (comments, layout) stays as it was.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from ganzfeld.errors import PatchError, Where, nearest
from ganzfeld.patch.expressions.source import PATHS
from ganzfeld.patch.language.chunks import parse_in_pieces
from ganzfeld.patch.models import Span

MOST_CHARACTERS = 256_000

SyntaxPiece = ast.expr | ast.stmt | ast.keyword


def lines_of(text: str) -> list[str]:
    """The lines, with their ends, as Python's grammar counts them (form feeds and the like end none)."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)


class PatchText:
    """A text that may be a patch's, and its pieces. file: where it is from, for errors."""

    def __init__(self, text: str, file: str | None) -> None:
        self._text, self._file = text, file
        self._lines = lines_of(text)
        self._keywords: dict[ast.expr, ast.keyword] = {}

    def tree(self) -> ast.Module:
        """All of it. Raises PatchError if it follows no grammar."""
        if len(self._text) > MOST_CHARACTERS:
            raise PatchError(f"The patch is longer than {MOST_CHARACTERS} characters", where=Where(file=self._file))
        try:
            return parse_in_pieces(self._text, self._file)
        except SyntaxError as error:
            place = Where(self._file, error.lineno, error.offset)
            if "unicodeescape" in error.msg:
                what = "A backslash in a text begins an escape, and this is none"
                raise PatchError(what, where=place, hint=PATHS) from None
            raise PatchError(f"Not a patch yet: {error.msg}", where=place) from None
        except (ValueError, RecursionError, MemoryError) as error:
            reason = str(error) or "too deeply nested"
            raise PatchError(f"Not a patch: {reason}", where=Where(file=self._file)) from None

    def span(self, piece: SyntaxPiece) -> Span:
        """From where to where a piece stands."""
        end_line = piece.end_lineno or piece.lineno
        return Span(
            line=piece.lineno,
            column=self._column(piece.lineno, piece.col_offset),
            end_line=end_line,
            end_column=self._column(end_line, piece.end_col_offset or 0),
        )

    def _column(self, line: int, offset: int) -> int:
        # ast counts bytes of UTF-8; people and editors count characters.
        source = self._lines[line - 1] if line <= len(self._lines) else ""
        if source.isascii():
            return min(offset, len(source)) + 1
        return len(source.encode()[:offset].decode(errors="ignore")) + 1

    def between(self, span: Span) -> str:
        """What stands there."""
        lines = self._lines[span.line - 1 : span.end_line]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return "".join(lines)

    def where(self, piece: SyntaxPiece) -> Where:
        """Where a piece begins."""
        span = self.span(piece)
        return Where(self._file, span.line, span.column)

    def error(self, what: str, piece: SyntaxPiece, hint: str = "") -> PatchError:
        """What is wrong with a piece."""
        return PatchError(what, where=self.where(piece), hint=hint)

    def unknown(self, thing: str, name: str, argument: ast.expr, known: Iterable[str]) -> PatchError:
        """An argument has a name that nothing here has."""
        return self.error(f"{thing} has no '{name}'", self._keywords.get(argument, argument), nearest(name, known))

    def arguments(self, call: ast.Call, order: tuple[str, ...], thing: str) -> dict[str, ast.expr]:
        """A call's arguments by name; `order` names the positional ones. Raises PatchError."""
        given: dict[str, ast.expr] = {}
        if len(call.args) > len(order):
            raise self.error(f"{thing} takes {len(order)} positional arguments at most", call.args[len(order)])
        for name, argument in zip(order, call.args):
            if isinstance(argument, ast.Starred):
                raise self.error("'*' is not part of a patch", argument)
            given[name] = argument
        for keyword in call.keywords:
            if keyword.arg is None:
                raise self.error("'**' is not part of a patch", keyword.value)
            if keyword.arg in given:
                raise self.error(f"'{keyword.arg}' is given twice", keyword)
            given[keyword.arg] = keyword.value
            self._keywords[keyword.value] = keyword
        return given
