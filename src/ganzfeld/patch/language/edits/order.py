"""The edit `order`: two lines of a node change their places."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.lines import change_places, the_line


class Order(Edit, frozen=True, kw_only=True):
    """line, other: their parts of an address; at: the line of the text that the first stands on (0: wherever)."""

    word: ClassVar[str] = "order"
    node: str
    line: str
    other: str
    at: int = 0

    def change(self, edited: EditedText) -> None:
        change_places(edited, the_line(edited, self.node, self.line, self.at), edited.line(self.node, self.other))
