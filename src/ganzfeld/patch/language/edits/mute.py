"""The edits `mute` and `solo_line` of a line."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.flags import with_flag
from ganzfeld.patch.language.edits.lines import the_line
from ganzfeld.patch.language.edits.places import positions


class Mute(Edit, frozen=True, kw_only=True):
    """line: its part of an address; at: the line of the text it stands on (0: wherever). on False: it acts again."""

    word: ClassVar[str] = "mute"
    flag: ClassVar[str] = "mute"
    """The parameter that says so in the text."""
    node: str
    line: str
    on: bool = True
    at: int = 0

    def change(self, edited: EditedText) -> None:
        span = the_line(edited, self.node, self.line, self.at).span
        with_flag(edited, span, self.flag, self.on, positions(edited, self.node, self.line))


class SoloLine(Mute, frozen=True, kw_only=True):
    """As `mute`: of the node's lines of this kind only those that are solo act."""

    word: ClassVar[str] = "solo_line"
    flag: ClassVar[str] = "solo"
