"""The edit `mask`: a picture says where a line bends."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import put, without
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import positions

LONGEST_NAME = 200


class Mask(Edit, frozen=True, kw_only=True):
    """node, line: a line `bend`, by its part of an address. mask: the node that it takes; "": none any more. file: the
    picture that this node shows, if the text has no such node yet: it gets a line above the network."""

    word: ClassVar[str] = "mask"
    node: str
    line: str
    mask: str = ""
    file: str = ""

    def change(self, edited: EditedText) -> None:
        line = edited.line(self.node, self.line)
        if line.method != "bend":
            raise PatchError(f"'{self.line}' of {self.node} does not bend: it takes no mask")
        if self.mask and self.file and self.mask not in edited.patch.nodes:
            self._write_picture(edited)
        call, order = edited.call(edited.line(self.node, self.line).span), positions(edited, self.node, self.line)
        if self.mask:
            edited.node(self.mask)
            edited.splice(put(edited, call, "mask", self.mask, order))
        else:
            edited.splice(*without(edited, call, "mask", order))

    def _write_picture(self, edited: EditedText) -> None:
        edited.check_name(self.mask)
        if len(self.file) > LONGEST_NAME or not self.file.isprintable() or any(sign in self.file for sign in '"\\/'):
            raise PatchError(f"'{self.file:.60}' is no file beside the patch")
        place = edited.before(edited.node(self.node).span)
        edited.splice(Splice(place, place, f'{self.mask} = image("{self.file}"){edited.end_of_line}'))
