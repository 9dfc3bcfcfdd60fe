"""Python's own parser, for texts that several threads read at a time."""

from __future__ import annotations

import ast
from typing import Any

TRIES = 20


def parse_python(text: str | bytes, mode: str = "exec") -> Any:
    """What `ast.parse` makes of a text, and what it raises.

    Python before 3.12 counts how deep it is in a tree in one place for all threads (cpython, issue 106905): if another
    one gets its turn in the midst, a good text is a `SystemError`. Then it is parsed again.
    """
    for _ in range(TRIES - 1):
        try:
            return ast.parse(text, mode=mode)
        except SystemError:
            continue
    return ast.parse(text, mode=mode)
