"""The edit `channels`: a channel comes into a bend line's list, or goes from it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import find, put
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.lines import the_line
from ganzfeld.patch.language.edits.places import positions
from ganzfeld.ranges import numbers


class Channels(Edit, frozen=True, kw_only=True):
    """line: a bend's part of an address; at: the line of the text it stands on (0: wherever). on: whether `channel` is
    to be in the line's list, which is written if it has none, in the place of a share that is a plain number. A list
    without channels stays: it bends nothing."""

    word: ClassVar[str] = "channels"
    node: str
    line: str
    channel: Annotated[int, Meta(ge=0, le=65535)]
    on: bool = True
    at: int = 0

    def change(self, edited: EditedText) -> None:
        line = the_line(edited, self.node, self.line, self.at)
        if line.method != "bend":
            raise PatchError(f"'{self.line}' is no bend, so it has no channels")
        call, order = edited.call(line.span), positions(edited, self.node, self.line)
        only, share = find(edited, call, "only", order), find(edited, call, "channels", order)
        if "only" not in line.arguments or (only is not None and _is_plain(only.value, type(None))):
            if not self.on:
                raise PatchError("This line bends all channels", hint="Choose one that it is to bend instead")
            moves = share is not None and not _is_plain(share.value, int | float)
            name = "only" if only is not None or moves else "channels"
            edited.splice(put(edited, call, name, f"[{self.channel}]", order))
            return
        only = only or share
        assert only is not None
        listed = _listed(only.value)
        if (self.channel in listed) == self.on:
            return
        if isinstance(only.value, ast.List):
            edited.splice(_in_list(edited, only.value, listed, self.channel, self.on))
            return
        wanted = {*listed, self.channel} if self.on else set(listed) - {self.channel}
        as_ranges = isinstance(only.value, ast.Constant) and isinstance(only.value.value, str) and wanted
        text = f'"{in_ranges(wanted)}"' if as_ranges else f"[{', '.join(map(str, sorted(wanted)))}]"
        edited.splice(Splice(*edited.range_of(only.value), text))


def _is_plain(value: ast.expr, kind: Any) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, kind)


def _listed(value: ast.expr) -> list[int]:
    """The channels that stand there. Raises PatchError if they are not plain numbers."""
    try:
        found = ast.literal_eval(value)
        if isinstance(found, str):
            return list(numbers(found, "channel"))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        found = None
    given = list(found) if isinstance(found, list | tuple) else [found]
    listed = [each for each in given if isinstance(each, int) and not isinstance(each, bool)]
    if len(listed) < len(given):
        raise PatchError("The channels of this line are an expression", hint="Change them by hand")
    return listed


def _in_list(edited: EditedText, value: ast.List, listed: list[int], channel: int, on: bool) -> Splice:
    """One number comes into a list in its order, or goes from it; the others, and how they are laid out, stay."""
    places = [edited.range_of(element) for element in value.elts]
    start, end = edited.range_of(value)
    if not on:
        index = listed.index(channel)
        if index > 0:
            return Splice(places[index - 1][1], places[index][1], "")
        return Splice(places[0][0], places[1][0], "") if len(places) > 1 else Splice(start, end, "[]")
    if not places:
        return Splice(start + 1, start + 1, str(channel))
    index = next((index for index, each in enumerate(listed) if each > channel), None)
    if index is None:
        return Splice(places[-1][1], places[-1][1], f", {channel}")
    return Splice(places[index][0], places[index][0], f"{channel}, ")


def in_ranges(channels: Iterable[int]) -> str:
    """ "0-15,32" of channel numbers, as `ranges.numbers` reads them."""
    parts = []
    for _, run in itertools.groupby(enumerate(sorted(channels)), key=lambda pair: pair[1] - pair[0]):
        members = [channel for _, channel in run]
        first, last = members[0], members[-1]
        parts += [f"{first}-{last}"] if last - first > 1 else map(str, members)
    return ",".join(parts)
