"""The edit `use`: a node plays another network, film or picture."""

from __future__ import annotations

import ast
from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import in_quotes, put
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.flags import with_flag
from ganzfeld.patch.language.edits.places import positions

INSTEAD = {"image": "movie", "movie": "image"}
"""Types that a node may become, because what it showed was a still and is a film now, or the other way round."""


class Use(Edit, frozen=True, kw_only=True):
    """node: what plays a file; file: the one that it is to play, as a patch says it; type: the node's type afterwards;
    mute: its lines, by their parts of addresses, that do not fit the new network; those that are not there need not."""

    word: ClassVar[str] = "use"
    node: str
    file: str
    type: str
    mute: list[str] = []

    def change(self, edited: EditedText) -> None:
        node = edited.node(self.node)
        if node.type not in (self.type, INSTEAD.get(self.type)) or "file" not in edited.type_of(self.node).declared:
            raise PatchError(f"{self.node} is a {node.type}, and cannot play this file")
        call: ast.Call = edited.call(node.span)
        changes = [put(edited, call, "file", in_quotes(self.file), positions(edited, self.node))]
        if node.type != self.type:
            start, end = edited.range_of(call.func)
            changes.append(Splice(start, end, self.type))
        edited.splice(*changes)
        for name in self.mute:
            line = next((line for line in edited.node(self.node).methods if line.name == name), None)
            if line is not None and not line.mute:
                with_flag(edited, line.span, "mute", True, positions(edited, self.node, name))
