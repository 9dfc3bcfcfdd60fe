"""The text of an expression: reading it with Python's own parser, and pointing at places in it."""

from __future__ import annotations

import ast
import re
import warnings

from ganzfeld.errors import ExpressionError, Where
from ganzfeld.python_grammar import parse_python

PATHS = 'Write paths with /, as r"C:\\new\\film.mov", or with each backslash doubled'
"""What to do about a backslash that was not meant as the beginning of an escape."""
LONGEST_EXPRESSION = 20_000
MOST_NODES = 4000

_LINE_END = re.compile(r"\r\n|\r|\n")
_CALL = re.compile(r"([\w.]+)\s*\(")
_NAMES = {"\t": "a tab", "\n": "the end of a line", "\r": "the end of a line"}
_UNSEEN = {chr(code): _NAMES.get(chr(code), "a control character") for code in (*range(32), 127)}
_STRING = re.compile(r"""[rRuU]?('''|\"""|'|")""")


class ExpressionText:
    """An expression's text and the place where it stands.

    where: of its first character. All places it gives are lines and columns of the file, counted from 1 in characters.
    """

    def __init__(self, text: str, owner: str, where: Where | None) -> None:
        self.text = text
        self.lines = _LINE_END.split(text)
        self.where = where or Where()
        self.address = self.where.address or owner

    def tree(self) -> ast.expr:
        """The expression, parsed and not yet checked."""
        if len(self.text) > LONGEST_EXPRESSION:
            raise self.mistake(
                f"the expression has {len(self.text)} characters", f"At most {LONGEST_EXPRESSION}; name parts of it"
            )
        if not self.text.strip():
            raise self.mistake("the expression is empty", "Write a value: a number, text or a formula")
        try:
            root = _parse(f"[{self.text}\n]")
        except SyntaxError as error:
            raise self._syntax(error) from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise self.mistake("the expression cannot be read", "It is nested too deeply or holds odd bytes") from None
        # The brackets let an expression go over several lines, as it may between the brackets of a call. They must be
        # one another's: "1] + [2" is not an expression.
        if not isinstance(root, ast.List) or not root.elts or (root.lineno, root.col_offset) != (1, 0):
            raise self.mistake("this is not one expression", "Look at its brackets and keywords")
        if len(root.elts) > 1:
            raise self.at(root.elts[1], "an expression gives one value", "Put brackets around a list: [1, 2]")
        tree = root.elts[0]
        if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
            raise self.mistake("the expression has too many parts", "Name parts of it on lines of their own")
        return tree

    def _syntax(self, error: SyntaxError) -> ExpressionError:
        # Python's own message about the bare text is the better one; our brackets are not for the user to see.
        if len(self.lines) == 1:
            try:
                _parse(self.text.strip())
            except SyntaxError as bare:
                error = bare
                shift = len(self.text) - len(self.text.lstrip())
                column = (bare.offset or 1) + shift
            except Exception:
                column = 1
            else:
                column = error.offset or 1
            line = 1
        else:
            line = error.lineno or 1
            column = (error.offset or 1) - (line == 1)
        line = max(1, line)
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1]) + 1
        what, hint = (error.msg or "invalid syntax").rstrip("."), ""
        if "unicodeescape" in what:
            what, hint = "a backslash in a text begins an escape, and this is none", PATHS
        elif "==" in what or self.lines[line - 1][column - 1 : column] == "=":
            what, hint = "'=' does not belong in an expression", "Write == to compare"
        elif what.startswith("invalid syntax"):
            what, hint = "this is not an expression", what.partition(". ")[2]
        elif "']'" in what:
            what = "the brackets do not match"
        return self.mistake(what, hint, line, max(1, column))

    def mistake(self, what: str, hint: str = "", line: int = 1, column: int = 1) -> ExpressionError:
        """An error at a line and column of the text, counted from 1 in characters."""
        first_line, first_column = self.where.line or 1, self.where.column or 1
        if line == 1:
            column += first_column - 1
        where = Where(self.where.file, first_line + line - 1, column, self.address)
        return ExpressionError(what, where=where, hint=hint)

    def at(self, node: ast.AST, what: str, hint: str = "", offset: int | None = None) -> ExpressionError:
        """An error at a node; offset: at this character of a text written there."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 1)
        if offset is not None and isinstance(node, ast.Constant) and isinstance(node.value, str):
            line, column = self._inside(node, offset)
        else:
            line, column = self.place(line, column)
        return self.mistake(what, hint, line, column)

    def check_escapes(self, node: ast.AST, value: str) -> None:
        """Raise ExpressionError for a text in which a backslash made a character that nobody can see: it is a Windows
        path, and never what was meant."""
        for letter, name in _UNSEEN.items():
            if letter in value and letter not in self.text:
                what = f"in this text a backslash and what follows it became {name}"
                raise self.at(node, what, PATHS)

    def operator(self, left: ast.expr, right: ast.expr) -> ast.AST:
        """Something to point at: the operator between two operands, if it stands on the first one's line."""
        line, column = self.place(left.end_lineno or left.lineno, left.end_col_offset or left.col_offset)
        between = self.lines[line - 1][column - 1 :]
        gap = len(between) - len(between.lstrip(" \t)"))
        if gap == len(between):
            return left
        # The gap is only spaces and brackets: a byte each.
        return ast.Pass(lineno=left.end_lineno or left.lineno, col_offset=(left.end_col_offset or 0) + gap)

    def word_at(self, line: int, column: int) -> str:
        """The name of the function that is called at a line and column, or an empty text."""
        call = _CALL.match(self.lines[line - 1], column - 1)
        return call[1] if call else ""

    def place(self, line: int, byte: int) -> tuple[int, int]:
        """Line and column of the text, from 1, of a place as the parser counts it: bytes, with our bracket before."""
        if line == 1:
            byte -= 1
        if line > len(self.lines):
            return len(self.lines), len(self.lines[-1]) + 1
        before = self.lines[line - 1].encode("utf-8", "surrogatepass")[: max(0, byte)]
        return line, len(before.decode("utf-8", "replace")) + 1

    def _inside(self, node: ast.Constant, offset: int) -> tuple[int, int]:
        """The place of a character of a text, if the text stands there just as it is; else where the text begins."""
        line, column = self.place(node.lineno, node.col_offset)
        end_line, end_column = self.place(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        rows = self.lines[line - 1 : end_line]
        rows[-1] = rows[-1][: end_column - 1]
        rows[0] = rows[0][column - 1 :]
        written = "\n".join(rows)
        quote = _STRING.match(written)
        if quote is None or written[quote.end() : -len(quote[1])] != node.value:
            return line, column
        before = written[: quote.end() + offset].split("\n")
        if len(before) == 1:
            return line, column + len(before[0])
        return line + len(before) - 1, len(before[-1]) + 1


def _parse(text: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as odd escapes in texts
        return parse_python(text, mode="eval").body
