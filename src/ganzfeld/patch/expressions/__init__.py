"""Expressions of the patch language: `1 + push*sin(t)`, `env(hit("/drum/kick"), 0, 0.4)`, `seq("image b8", beats=4)`.

The grammar is Python's, cut down: numbers, text, lists, arithmetic (`**` on floats), comparisons, `and or not`,
conditional expressions, picking from a list (`[3, 1, 2][k]`, which wraps), calls of the vocabulary's functions, and
names. An f-string may hold the variable of a loop. Nothing else is let through, and nothing that a person typed is ever
run by Python: see `compiler`. `NAMES` and `known_functions()` list the words; a function is added in `functions/`.
"""

from __future__ import annotations

from ganzfeld.errors import ExpressionError
from ganzfeld.patch.expressions.compiler import compile_expression
from ganzfeld.patch.expressions.expression import Expression
from ganzfeld.patch.expressions.frame import FrameContext, Scope
from ganzfeld.patch.expressions.vocabulary import NAMES, Function, Kind, Name, known_functions, reserved_words

__all__ = [
    "NAMES",
    "Expression",
    "ExpressionError",
    "FrameContext",
    "Function",
    "Kind",
    "Name",
    "Scope",
    "compile_expression",
    "known_functions",
    "reserved_words",
]
