"""Edits: acts of a hand that change a patch's text (add a node, move a wire, mute a line). One a file.

A new file with an `Edit` subclass in it is a new act. What an edit does not mean stays as it is written, comments and
layout too: each step is a few splices of the text, and `splices_of` returns them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError, PatchError, nearest
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.parser import parse


@functools.cache
def edits() -> dict[str, type[Edit]]:
    """Every edit by its word, found in this folder."""
    found: dict[str, type[Edit]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for member in vars(module).values():
            is_edit = isinstance(member, type) and issubclass(member, Edit) and member is not Edit
            if is_edit and member.__module__ == module.__name__:
                found[member.word] = member
    return found


def splices_of(text: str, do: str, arguments: Mapping[str, Any]) -> list[list[Splice]]:
    """The steps of an edit of a text: the splices of each are of the text that the step before made, in order and apart
    from each other.

    do: the edit's word. Raises PatchError if the text is no patch, if the edit makes no sense there, or if the text
    would not be a patch afterwards.
    """
    cls = edits().get(do)
    if cls is None:
        raise PatchError(f"There is no edit '{do}'", hint=nearest(do, edits()))
    try:
        edit = msgspec.convert(dict(arguments), cls)
    except msgspec.ValidationError as error:
        raise PatchError(f"'{do}' cannot be done: {error}") from None
    edited = EditedText(text)
    worked = _works(text)
    edit.change(edited)
    try:
        Graph(parse(edited.text))
    except PatchError as error:
        # A text that did not play before may be worked on all the same, as long as it can be read.
        if worked or not _is_patch(edited.text):
            raise PatchError(f"That would not play: {error.what}", hint=error.hint) from None
    return edited.steps


def _works(text: str) -> bool:
    try:
        Graph(parse(text))
    except GanzfeldError:
        return False
    return True


def _is_patch(text: str) -> bool:
    try:
        parse(text)
    except GanzfeldError:
        return False
    return True
