"""A long text parsed in pieces.

Python's parser holds the interpreter's lock from a text's first character to its last, a second and more for a long
one, and the frame's thread waits meanwhile. In pieces of some kilobytes, cut between statements, it waits for one piece
at a time. What comes out is what `ast.parse` makes of the whole.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from ganzfeld.errors import PatchError, Where
from ganzfeld.python_grammar import parse_python

WHOLE = 8_000
"""Characters of a text that is parsed at once; of a longer one, so many in a piece at least."""
LONGEST_STATEMENT = 32_000
"""Characters of one statement (a loop with all its lines is one)."""
MOST_BRACES = 2_000
"""Opening braces in a piece. They stand in f-strings, which Python reads in a time that grows with the square of their
places."""

_TOKEN = re.compile(
    r"""'''(?:[^\\]|\\[\s\S])*?'''|\"""(?:[^\\]|\\[\s\S])*?\"""|'(?:[^'\\\r\n]|\\[\s\S])*'|"(?:[^"\\\r\n]|\\[\s\S])*\""""
    r"""|'''[\s\S]*|\"""[\s\S]*|\#[^\r\n]*|\\(?:\r\n|[\r\n])|[()\[\]{}]|\r\n|[\r\n]"""
)
_BEGINS = re.compile(r"(?!(?:else|elif|except|finally|def|class|async)\b)[^\s#)\]}]")
"""What a line begins with that begins a statement of its own, and not a part of one (or what follows a decorator)."""


def parse_in_pieces(text: str, file: str | None = None) -> ast.Module:
    """The tree of a text. Raises PatchError if a statement is too long, and what `ast.parse` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as odd escapes in texts
        if len(text) <= WHOLE:
            _check(text, 1, file)
            return parse_python(text)
        module = ast.Module(body=[], type_ignores=[])
        for line, piece in _pieces(text):
            _check(piece, line, file)
            try:
                part = parse_python(piece)
            except SyntaxError as error:
                error.lineno = (error.lineno or 1) + line - 1
                raise
            if line > 1:
                for statement in part.body:
                    ast.increment_lineno(statement, line - 1)
            module.body += part.body
        return module


def _check(piece: str, line: int, file: str | None) -> None:
    if len(piece) > LONGEST_STATEMENT + WHOLE:
        what = f"The statement that begins about here has more than {LONGEST_STATEMENT} characters"
        raise PatchError(what, where=Where(file, line, 1), hint="Divide it into several lines or loops")
    if piece.count("{") > MOST_BRACES:
        what = f"There are more than {MOST_BRACES} places in f-strings about here"
        raise PatchError(what, where=Where(file, line, 1), hint='Write few in each text, as in f"b{k}"')


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """(line of its beginning, piece), cut where a statement begins at a line's beginning."""
    begin, line, first, depth = 0, 1, 1, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "([{":
            depth += 1
        elif word in ")]}":
            depth = max(0, depth - 1)
        elif word in ("\n", "\r", "\r\n"):
            line += 1
            end = token.end()
            if depth == 0 and end - begin >= WHOLE and _BEGINS.match(text, end):
                yield first, text[begin:end]
                begin, first = end, line
        else:
            line += len(re.findall(r"\r\n|\r|\n", word))
    yield first, text[begin:]
