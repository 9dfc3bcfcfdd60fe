"""The edit `drop`: a line goes."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.lines import the_line
from ganzfeld.patch.language.edits.places import removal


class Drop(Edit, frozen=True, kw_only=True):
    """line: its part of an address; at: the line of the text it stands on (0: wherever). Comments on lines of their own
    stay. Of a line in a loop every turn goes."""

    word: ClassVar[str] = "drop"
    node: str
    line: str
    at: int = 0

    def change(self, edited: EditedText) -> None:
        line = the_line(edited, self.node, self.line, self.at)
        edited.splice(*removal(edited, [edited.statement(line.span)]))
