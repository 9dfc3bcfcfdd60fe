"""What an edit is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

if TYPE_CHECKING:
    from ganzfeld.patch.language.edits.edited_text import EditedText


THINGS = {"image": "a picture", "latent": "a latent"}
"""What nodes make, in words."""


class Splice(NamedTuple):
    """A piece of a text goes, and another comes in its place. start, end: in characters; the end is exclusive."""

    start: int
    end: int
    text: str


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all edits. `word` is its name; its fields are its arguments, which are checked before `change` runs."""

    word: ClassVar[str]

    def change(self, edited: EditedText) -> None:
        """Changes the text with `EditedText.splice`, in one step or several. Raises PatchError if it makes no sense
        there."""
        raise NotImplementedError(self.word)
