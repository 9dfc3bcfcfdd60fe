"""The edit `rename`: a node, a signal or a knob has another name, wherever the text speaks of it."""

from __future__ import annotations

import ast
from typing import ClassVar

from ganzfeld.errors import PatchError, nearest
from ganzfeld.patch.language.edits.arguments import put
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import give_name, is_named, positions


class Rename(Edit, frozen=True, kw_only=True):
    """node: what it is called now; name: what it is to be called. A node that is written in place gets a line of its
    own; an output gets `name="…"`."""

    word: ClassVar[str] = "rename"
    node: str
    name: str

    def change(self, edited: EditedText) -> None:
        if self.name == self.node:
            return
        edited.check_name(self.name)
        patch = edited.patch
        if self.node in patch.signals or self.node in patch.knobs:
            self._everywhere(edited)
            return
        if self.node not in patch.nodes:
            known = [*patch.nodes, *patch.signals, *patch.knobs]
            raise PatchError(f"Nothing is called '{self.node}' in the text", hint=nearest(self.node, known))
        if edited.type_of(self.node).is_output and not is_named(edited, self.node):
            call = edited.call(edited.node(self.node).span)
            edited.splice(put(edited, call, "name", f'"{self.name}"', positions(edited, self.node)))
        elif is_named(edited, self.node):
            self._everywhere(edited)
        else:
            give_name(edited, self.node, self.name)

    def _everywhere(self, edited: EditedText) -> None:
        bound = {
            name.id
            for loop in ast.walk(edited.tree)
            if isinstance(loop, ast.For)
            for name in ast.walk(loop.target)
            if isinstance(name, ast.Name)
        }
        if self.node in bound:
            raise PatchError(f"'{self.node}' is also the name of a loop's items", hint="Rename it by hand")
        names = (each for each in ast.walk(edited.tree) if isinstance(each, ast.Name) and each.id == self.node)
        edited.splice(*(Splice(*edited.range_of(each), self.name) for each in names))
