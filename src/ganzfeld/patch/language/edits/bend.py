"""The edit `bend`: a layer or weight of a network is bent."""

from __future__ import annotations

import ast
from typing import Annotated, ClassVar

from msgspec import Meta

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.base import Edit
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.lines import quoted, write_below
from ganzfeld.patch.language.edits.places import give_name
from ganzfeld.python_grammar import parse_python

_CHOOSES_CHANNELS = ("channels", "soft", "only")


class Bend(Edit, frozen=True, kw_only=True):
    """A line is written below the node's last bend. target: a layer or weight. bends: what the line says after that
    ("rotate=12, channels=0.5"). channels: those that it acts on alone, in place of a share."""

    word: ClassVar[str] = "bend"
    node: str
    target: str
    bends: Annotated[str, Meta(max_length=400)]
    channels: Annotated[list[Annotated[int, Meta(ge=0, le=65535)]], Meta(max_length=2000)] = []

    def change(self, edited: EditedText) -> None:
        arguments = _arguments(self.bends)
        if self.channels:
            arguments = {name: text for name, text in arguments.items() if name not in _CHOOSES_CHANNELS}
            arguments["channels"] = f"[{', '.join(map(str, sorted(set(self.channels))))}]"
        node = give_name(edited, self.node)
        words = ", ".join([quoted(self.target), *(f"{name}={text}" for name, text in arguments.items())])
        write_below(edited, node, "bend", f"{node}.bend({words})")


def _arguments(bends: str) -> dict[str, str]:
    """Name -> text, of arguments with names. Raises PatchError for anything else."""
    source = f"_({bends})"
    try:
        call = parse_python(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise PatchError(f"'{bends:.60}' is no bend", hint="For example: rotate=12") from None
    if not isinstance(call, ast.Call) or call.args or any(each.arg is None for each in call.keywords) or "\n" in bends:
        raise PatchError(f"'{bends:.60}' is no bend", hint="For example: rotate=12")
    return {each.arg or "": ast.get_source_segment(source, each.value) or "" for each in call.keywords}
