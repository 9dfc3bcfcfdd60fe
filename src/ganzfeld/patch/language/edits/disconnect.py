"""The edit `disconnect`: an input reads nothing any more."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import without
from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import give_name, is_named, positions, written_as


class Disconnect(Edit, frozen=True, kw_only=True):
    """node: the one that reads; input: by its name. What it read stays in the text."""

    word: ClassVar[str] = "disconnect"
    node: str
    input: str

    def change(self, edited: EditedText) -> None:
        model = edited.node(self.node)
        if self.input not in model.inputs:
            raise PatchError(f"'{self.input}' of {self.node} reads nothing")
        declared = edited.type_of(self.node).declared_inputs().get(self.input)
        if declared is None or declared.required:
            raise PatchError(f"{self.node} needs its input '{self.input}'", hint="Connect it to another node instead")
        if not is_named(edited, model.inputs[self.input]):
            give_name(edited, model.inputs[self.input])
        disconnect(edited, self.node, self.input)


def disconnect(edited: EditedText, node: str, name: str) -> None:
    """Takes the argument of an optional input away."""
    call = edited.call(edited.node(node).span)
    edited.splice(*without(edited, call, written_as(edited, node, name), positions(edited, node)))
