"""The edit `blend`: how far a layer of a network is blended with another network."""

from __future__ import annotations

import ast
import math
from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import put
from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.lines import quoted, write_below
from ganzfeld.patch.language.edits.places import give_name, positions
from ganzfeld.patch.models import MethodModel, Term

FURTHEST = 100.0


class Blend(Edit, frozen=True, kw_only=True):
    """other: the network that the blend leads to. target: a layer, a weight or a glob. amount: 0 is this network, 1 the
    other. The line that says just this gets the amount; where there is none, one is written."""

    word: ClassVar[str] = "blend"
    node: str
    other: str
    amount: float
    target: str = "*"

    def change(self, edited: EditedText) -> None:
        if not math.isfinite(self.amount) or abs(self.amount) > FURTHEST:
            raise PatchError(f"An amount is at most {FURTHEST:g}")
        amount = f"{round(self.amount, 4):g}"
        node = give_name(edited, self.node)
        lines = (line for line in edited.node(node).methods if line.method == "blend" and not line.mute)
        line = next((line for line in lines if _says(line, self.other, self.target)), None)
        if line is not None:
            call, order = edited.call(line.span), positions(edited, node, line.name)
            edited.splice(put(edited, call, "amount", amount, order))
            return
        if '"' in self.other or "\\" in self.other or "\n" in self.other:
            raise PatchError(f"'{self.other:.60}' is no network")
        target = "" if self.target == "*" else f", {quoted(self.target)}"
        write_below(edited, node, "blend", f'{node}.blend("{self.other}"{target}, amount={amount})')


def _says(line: MethodModel, other: str, target: str) -> bool:
    """Whether a line blends just this with that network."""
    written = _literal(line.arguments.get("target"))
    return _literal(line.arguments.get("other")) == other and ("*" if written is None else written) == target


def _literal(term: Term | None) -> str | None:
    """The text in quotes that stands there."""
    if term is None:
        return None
    try:
        value = ast.literal_eval(term.text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
