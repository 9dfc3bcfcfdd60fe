"""The edit `set`: what the text says of a parameter, a signal or a knob."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.errors import PatchError, nearest
from ganzfeld.patch.language.edits.arguments import put, without
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import positions
from ganzfeld.python_grammar import parse_python

KNOB = ("low", "high", "default", "midi", "osc", "curve")
LONGEST = 4000


class Set(Edit, frozen=True, kw_only=True):
    """node: a node's name, or a signal's or knob's. line: a line's part of an address ("spin"), "" for the node itself.
    parameter: by its name; "" for a signal. text: an expression as one would write it; "" takes the argument away, so
    that its default counts."""

    word: ClassVar[str] = "set"
    node: str
    parameter: str = ""
    text: str = ""
    line: str = ""

    def change(self, edited: EditedText) -> None:
        text = _expression(self.text)
        patch = edited.patch
        if self.node in patch.signals:
            edited.splice(Splice(*edited.range_of(patch.signals[self.node].term.span), text))
            return
        if self.node in patch.knobs:
            span, order, known = patch.knobs[self.node].span, KNOB, KNOB
        elif self.line:
            span, order = edited.line(self.node, self.line).span, positions(edited, self.node, self.line)
            known = order
        else:
            span, order = edited.node(self.node).span, positions(edited, self.node)
            known = edited.type_of(self.node).declared_parameters()
        extra = self.node in patch.nodes and edited.type_of(self.node).extra is not None
        if self.parameter not in known and not (extra and self.parameter.isidentifier()):
            what = f"{self.line or self.node} has no '{self.parameter}'"
            raise PatchError(what, hint=nearest(self.parameter, known))
        call = edited.call(span)
        if text:
            edited.splice(put(edited, call, self.parameter, text, order))
        else:
            edited.splice(*without(edited, call, self.parameter, order))


def _expression(text: str) -> str:
    """The text, if it is one expression. Raises PatchError if it is none."""
    text = text.strip()
    if len(text) > LONGEST:
        raise PatchError(f"An expression has at most {LONGEST} characters here")
    if text:
        try:
            parse_python(f"({text}\n)", mode="eval")
            parse_python(text.split("\n")[0] if "\n" in text else text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
            raise PatchError(f"'{text:.60}' is no expression: {reason}") from None
    return text
