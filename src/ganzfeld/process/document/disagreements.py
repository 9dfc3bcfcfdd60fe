"""Parts of a document that were changed elsewhere, too, and otherwise. Both are kept: ours in the document, theirs
here, until somebody says which it is to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ganzfeld.process.document.changes import ChangeSet, units_of
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
        for clash in clashes:
            start, end, theirs = _placed(text, clash)
            for number, each in list(self._known.items()):
                if each.start == start and each.end == end:  # the file was saved once more
                    del self._known[number]
            ours = between(text, start, end)
            self._known[self._next] = Disagreement(self._next, start, end, ours, theirs)
            self._next += 1
        for number in list(self._known)[:-MOST]:
            del self._known[number]

    def changed(self, change: ChangeSet, text: str) -> None:
        """The document has changed. One whose part says now what the file says is none any more."""
        if not self._known:
            return
        for number, each in list(self._known.items()):
            # What is typed just before or behind it is no part of it, so that nothing is lost with it.
            start = change.place(each.start, after=True)
            end = max(start, change.place(each.end))
            ours = between(text, start, end)
            if ours == each.theirs:
                del self._known[number]
            else:
                self._known[number] = Disagreement(number, start, end, ours, each.theirs)

    def take(self, number: int | None) -> tuple[Disagreement, ...]:
        """One of them, or all, which are none any more; in the order of their places."""
        chosen = [each for each in self._known.values() if number in (None, each.number)]
        for each in chosen:
            del self._known[each.number]
        return tuple(sorted(chosen, key=lambda each: each.start))

    def clear(self) -> None:
        self._known.clear()


def between(text: str, start: int, end: int) -> str:
    """What stands between two places."""
    if text.isascii():
        return text[start:end]
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le", "replace")


def _placed(text: str, clash: Clash) -> tuple[int, int, str]:
    """Where our lines are, with the end of the last one, and what theirs are."""
    lines = lines_in(text)
    start = sum(units_of(line) + 1 for line in lines[: clash.start])
    end = start + sum(units_of(line) + 1 for line in lines[clash.start : clash.end])
    length = units_of(text)
    if clash.end < len(lines):
        return start, end, "".join(f"{line}\n" for line in clash.lines)
    theirs = "\n".join(clash.lines)
    return min(start, length), length, f"\n{theirs}" if start > length else theirs
