"""What Python can say and an expression cannot: a word on each, and what to write instead."""

from __future__ import annotations

import ast

# Node type -> (what, hint)
BANNED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("functions cannot be defined in a patch", "Write the formula itself, or name it on its own line"),
    ast.ListComp: ("comprehensions are not part of the patch language", "Use 'for k in range(8):' around the line"),
    ast.SetComp: ("comprehensions are not part of the patch language", "Use 'for k in range(8):' around the line"),
    ast.DictComp: ("comprehensions are not part of the patch language", "Use 'for k in range(8):' around the line"),
    ast.GeneratorExp: ("comprehensions are not part of the patch language", "Use 'for k in range(8):' around the line"),
    ast.NamedExpr: ("':=' is not part of the patch language", "Name the value on a line of its own: x = …"),
    ast.Starred: ("'*' cannot spread values here", "Write the values out"),
    ast.Dict: ("dictionaries are not part of the patch language", "Use a list: [1, 2]"),
    ast.Set: ("sets are not part of the patch language", "Use a list: [1, 2]"),
    ast.Slice: ("a slice is not part of the patch language", "Pick one value: [3, 1, 2][k]"),
    ast.Await: ("'await' is not part of the patch language", ""),
    ast.Yield: ("'yield' is not part of the patch language", ""),
    ast.YieldFrom: ("'yield' is not part of the patch language", ""),
    # Operators
    ast.BitXor: ("'^' is not an operator here", "Write x ** y for a power"),
    ast.BitAnd: ("'&' is not an operator here", "Write 'and'"),
    ast.BitOr: ("'|' is not an operator here", "Write 'or'"),
    ast.LShift: ("'<<' is not an operator here", "Write x * 2 ** y"),
    ast.RShift: (
        "'>>' is not an operator in an expression",
        "It chains nodes, on a line of its own: noise(…) >> flip(…)",
    ),
    ast.MatMult: ("'@' is not an operator here", "Write * to multiply"),
    ast.Invert: ("'~' is not an operator here", "Write 'not'"),
    ast.Is: ("'is' is not an operator here", "Write == to compare"),
    ast.IsNot: ("'is not' is not an operator here", "Write != to compare"),
    ast.In: ("'in' is not an operator here", "Compare with == and 'or'"),
    ast.NotIn: ("'not in' is not an operator here", "Compare with != and 'and'"),
}

# Habits from elsewhere -> our word
ELSEWHERE = {
    "absTime.seconds": "t",
    "absTime.frame": "frame",
    "time": "t",
    "seconds": "t",
    "PI": "pi",
    "int": "trunc",
    "random": "rand",
    "noise": "wander",
    "perlin": "wander",
    "frac": "fract",
    "saturate": "clamp",
    "fit": "remap",
    "range": "remap",
    "sine": "sin",
    "isaw": "saw",
    "midi": "cc",
    "onset": "audio.onset",
}
STATEMENTS = {"knob": 'push = knob(0, 1, midi="1/74")', "bpm": "bpm(124)"}
"""Words of the language that stand on lines of their own, and such a line. `Scope.statements` has further ones."""


def banned(node: ast.AST) -> tuple[str, str]:
    """What to say about a part that is not part of the language."""
    if type(node) in BANNED:
        return BANNED[type(node)]
    return (
        f"{type(node).__name__} is not part of the patch language",
        "Use numbers, text, names, operators and functions",
    )
