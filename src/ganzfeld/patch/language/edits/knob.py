"""The edit `knob`: a number gets a knob of its own."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.set import Set
from ganzfeld.patch.node import Value


class Knob(Edit, frozen=True, kw_only=True):
    """node, line, parameter: which number, as in `set`; "" for a knob that nothing follows yet. value: where it stands;
    low, high: its ends, if not those of the parameter. name: the knob's, "": a free one. The knob is written below
    those that are there, else above the node."""

    word: ClassVar[str] = "knob"
    node: str = ""
    parameter: str = ""
    line: str = ""
    name: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def change(self, edited: EditedText) -> None:
        if self.name:
            edited.check_name(self.name)
        low, high, value = self._ends(edited)
        stem = "_".join(filter(None, (self.line or self.node, self.parameter))) or "knob"
        name = self.name or edited.free_name(stem)
        default = f", default={value:g}" if value != (0.0 if low <= 0 <= high else low) else ""
        _write(edited, f"{name} = knob({low:g}, {high:g}{default})", self.node)
        if self.node:
            Set(node=self.node, parameter=self.parameter, line=self.line, text=name).change(edited)

    def _ends(self, edited: EditedText) -> tuple[float, float, float]:
        low, high, value = 0.0, 1.0, None
        if self.node:
            declared = edited.type_of(self.node).declared
            if self.line:
                method = edited.line(self.node, self.line).method
                declared = next(each.declared for each in edited.type_of(self.node).methods if each.method == method)
            parameter = declared.get(self.parameter)
            if not isinstance(parameter, Value):
                raise PatchError(f"{self.parameter} of {self.line or self.node} is no number that a knob can turn")
            low, high = parameter.range
            value = parameter.default if isinstance(parameter.default, int | float) else None
        low = low if self.low is None else self.low
        high = high if self.high is None else self.high
        value = self.value if self.value is not None else value
        value = value if value is not None and value == value else low
        return min(low, high, value), max(low, high, value), value


def _write(edited: EditedText, line: str, node: str) -> None:
    knobs = list(edited.patch.knobs.values())
    feed = edited.end_of_line
    if knobs:
        place = max(edited.after(knob.span) for knob in knobs)
        edited.splice(Splice(place, place, feed + line))
        return
    spans = [edited.node(node).span] if node else [each.span for each in edited.patch.nodes.values()]
    place = min((edited.before(span) for span in spans), default=0)
    edited.splice(Splice(place, place, line + feed))
