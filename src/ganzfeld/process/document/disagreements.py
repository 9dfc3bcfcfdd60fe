"""Parts of a document that were changed elsewhere, too, and otherwise. Both are kept: ours in the document, theirs
here, until somebody says which it is to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from ganzfeld.process.document.changes import ChangeSet, to_units, units_of
from ganzfeld.process.document.line_diff import lines_in
from ganzfeld.process.document.line_merge import Clash
from ganzfeld.values.document import Disagreement

MOST = 200
"""Disagreements; of more, the oldest go (the file holds what they say)."""


class Disagreements:
    """Kept up to date by whoever holds the document."""

    def __init__(self, known: Iterable[Disagreement] = ()) -> None:
        self._known = {each.number: each for each in known}
        self._next = max(self._known, default=0) + 1

    def all(self) -> tuple[Disagreement, ...]:
        return tuple(self._known.values())

    def add(self, text: str, clashes: Sequence[Clash]) -> None:
        """text: the document's, in which the clashes are."""
        if not clashes:
            return
        units, lines = to_units(text), lines_in(text)
        begins = [0, *accumulate(units_of(line) + 1 for line in lines)]
        for clash in clashes[-MOST:]:
            start, end, theirs = _placed(begins, clash)
            for number, each in list(self._known.items()):
                if each.start == start and each.end == end:  # the file was saved once more
                    del self._known[number]
            ours = part_of(units, start, end)
            self._known[self._next] = Disagreement(self._next, start, end, ours, theirs)
            self._next += 1
        for number in list(self._known)[:-MOST]:
            del self._known[number]

    def moved(self, change: ChangeSet) -> None:
        """The document has changed, and what stands where; `settle` is to be called when it changes no further."""
        for number, each in self._known.items():
            # What is typed just before or behind it is no part of it, so that nothing is lost with it.
            start = change.place(each.start, after=True)
            end = max(start, change.place(each.end))
            self._known[number] = Disagreement(number, start, end, each.ours, each.theirs)

    def settle(self, units: bytes) -> None:
        """What the document says now, in UTF-16. One whose part says what the file says is none any more."""
        for number, each in list(self._known.items()):
            ours = part_of(units, each.start, each.end)
            if ours == each.theirs:
                del self._known[number]
            elif ours != each.ours:
                self._known[number] = Disagreement(number, each.start, each.end, ours, each.theirs)

    def take(self, number: int | None) -> tuple[Disagreement, ...]:
        """One of them, or all, which are none any more; in the order of their places."""
        chosen = [each for each in self._known.values() if number in (None, each.number)]
        for each in chosen:
            del self._known[each.number]
        return tuple(sorted(chosen, key=lambda each: each.start))

    def clear(self) -> None:
        self._known.clear()


def part_of(units: bytes, start: int, end: int) -> str:
    """What stands between two places of a text in UTF-16."""
    return units[2 * start : 2 * end].decode("utf-16-le", "replace")


def between(text: str, start: int, end: int) -> str:
    """What stands between two places."""
    if text.isascii():
        return text[start:end]
    return part_of(to_units(text), start, end)


def _placed(begins: Sequence[int], clash: Clash) -> tuple[int, int, str]:
    """Where our lines are, with the end of the last one, and what theirs are. begins: where each line begins, and where
    one behind the last would."""
    start, end, length = begins[clash.start], begins[clash.end], begins[-1] - 1
    if clash.end < len(begins) - 1:
        return start, end, "".join(f"{line}\n" for line in clash.lines)
    theirs = "\n".join(clash.lines)
    return min(start, length), length, f"\n{theirs}" if start > length else theirs
