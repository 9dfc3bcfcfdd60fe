"""The edits `bypass` and `solo` of a node; and how a flag of a node or of a line is written (`patch.flags`)."""

from __future__ import annotations

import ast
from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.flags import passing_input
from ganzfeld.patch.language.edits.arguments import put, without
from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import positions
from ganzfeld.patch.models import Span


class Bypass(Edit, frozen=True, kw_only=True):
    """node: what is not to act; on False: it acts again."""

    word: ClassVar[str] = "bypass"
    node: str
    on: bool = True

    def change(self, edited: EditedText) -> None:
        if self.on and passing_input(edited.type_of(self.node)) is None:
            what = f"{edited.node(self.node).type} cannot be bypassed: no picture goes through it"
            raise PatchError(what)
        with_flag(edited, edited.node(self.node).span, "bypass", self.on, positions(edited, self.node))


class Solo(Edit, frozen=True, kw_only=True):
    """node: what every output is to show; whatever was solo is not any more. on False: outputs show what they did."""

    word: ClassVar[str] = "solo"
    node: str
    on: bool = True

    def change(self, edited: EditedText) -> None:
        edited.node(self.node)
        if self.on:
            for other in [node for node in edited.patch.nodes.values() if node.solo and node.name != self.node]:
                span = edited.node(other.name).span
                with_flag(edited, span, "solo", False, positions(edited, other.name))
        with_flag(edited, edited.node(self.node).span, "solo", self.on, positions(edited, self.node))


def with_flag(edited: EditedText, span: Span, name: str, on: bool, order: tuple[str, ...]) -> None:
    """`name=True` is written in the call at `span`, or taken out of it. order: of its positional arguments."""
    call: ast.Call = edited.call(span)
    if on:
        edited.splice(put(edited, call, name, "True", order))
    else:
        edited.splice(*without(edited, call, name, order))
