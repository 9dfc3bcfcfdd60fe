"""The edit `show`: a network shows a layer instead of its picture."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from ganzfeld.patch.language.edits.arguments import put
from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.flags import with_flag
from ganzfeld.patch.language.edits.lines import quoted, write_below
from ganzfeld.patch.language.edits.places import give_name, positions, removal
from ganzfeld.patch.models import MethodModel


class Show(Edit, frozen=True, kw_only=True):
    """layer: by its name, or "image" for the picture. channel: that one alone."""

    word: ClassVar[str] = "show"
    node: str
    layer: str
    channel: Annotated[int, Meta(ge=0, le=65535)] | None = None

    def change(self, edited: EditedText) -> None:
        node = give_name(edited, self.node)
        line = _shown(edited, node)
        wanted = {"layer": quoted(self.layer)}
        if self.channel is not None:
            wanted |= {"view": '"one"', "channel": str(self.channel)}
        if line is None:
            if self.layer != "image":
                rest = [f"{name}={text}" for name, text in wanted.items() if name != "layer"]
                write_below(edited, node, "show", f"{node}.show({', '.join([wanted['layer'], *rest])})")
            return
        if self.layer == "image" and line.arguments.keys() <= {"layer"}:
            edited.splice(*removal(edited, [edited.statement(line.span)]))
            return
        if line.mute:
            with_flag(edited, line.span, "mute", False, positions(edited, node, line.name))
        for name, text in wanted.items():
            line = edited.line(node, line.name)
            edited.splice(put(edited, edited.call(line.span), name, text, positions(edited, node, line.name)))


def _shown(edited: EditedText, node: str) -> MethodModel | None:
    return next((line for line in edited.node(node).methods if line.method == "show"), None)
