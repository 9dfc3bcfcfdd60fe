"""Three texts merged into one, by lines: what two people made of the same text, each of them alone.

Changes of lines that lie beside each other do not disturb each other. Where both changed the same lines, or put lines
at the same place, and not alike, they *clash*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ganzfeld.process.document.changes import ChangeSet, units_of
from ganzfeld.process.document.line_diff import Hunk, hunks, lines_in


@dataclass(frozen=True, slots=True)
class LineSplice:
    """Lines start to end (from 0, the end is not in it) become others."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clash(LineSplice):
    """Lines that were changed on both sides, start to end of ours; `lines` are theirs. is_new: both put lines where
    there were none."""

    is_new: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """What the others' changes make of our text. splices: of our lines, in order and apart. clashes: our lines that
    they changed otherwise; no splice touches them."""

    splices: tuple[LineSplice, ...]
    clashes: tuple[Clash, ...] = ()


def merge(base: str, ours: str, theirs: str) -> Merge:
    """What changed from `base` to `theirs`, for our text, which has changed since `base`, too."""
    before, mine, other = lines_in(base), lines_in(ours), lines_in(theirs)
    ours_hunks, their_hunks = hunks(before, mine), hunks(before, other)
    ours_shifts, their_shifts = _Shifts(ours_hunks), _Shifts(their_hunks)
    splices: list[LineSplice] = []
    clashes: list[Clash] = []
    for own, foreign in _groups(ours_hunks, their_hunks):
        if not foreign:
            continue
        start, end = min(h.start for h in own + foreign), max(h.end for h in own + foreign)
        low, high = _reached(ours_shifts, own, start, end)
        first, last = _reached(their_shifts, foreign, start, end)
        lines = tuple(other[first:last])
        if not own:
            splices.append(LineSplice(low, high, lines))
        elif tuple(mine[low:high]) != lines:
            clashes.append(Clash(low, high, lines, start == end))
    return Merge(tuple(splices), tuple(clashes))


def merged(base: str, ours: str, theirs: str) -> str:
    """The text with what changed from `base` to `theirs`; where that clashes with ours, theirs."""
    found = merge(base, ours, theirs)
    return spliced(ours, sorted((*found.splices, *found.clashes), key=lambda splice: (splice.start, splice.end)))


def put(base: str, ours: str, theirs: str) -> tuple[LineSplice, ...] | None:
    """What changed from `base` to `theirs`, as splices of our lines; where both put lines at one place, theirs follow
    ours. None: it clashes with ours."""
    found = merge(base, ours, theirs)
    if not all(clash.is_new for clash in found.clashes):
        return None
    beside = [LineSplice(clash.end, clash.end, clash.lines) for clash in found.clashes]
    return tuple(sorted((*found.splices, *beside), key=lambda splice: (splice.start, splice.end)))


def spliced(text: str, splices: Iterable[LineSplice]) -> str:
    """The text with other lines."""
    lines, at, parts = lines_in(text), 0, []
    for splice in splices:
        parts += lines[at : splice.start]
        parts += splice.lines
        at = splice.end
    return "\n".join(parts + lines[at:])


def as_changes(text: str, splices: Sequence[LineSplice]) -> ChangeSet:
    """Splices of lines as a change of the text, of as few letters as can be: carets in lines stay where they are."""
    lines = lines_in(text)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + units_of(line) + 1)
    length = begins[-1] - 1
    made = []
    for splice in _joined(splices):
        old, new = lines[splice.start : splice.end], list(splice.lines)
        start, end = begins[splice.start], begins[splice.end]
        gone, put = "".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new)
        if splice.end == len(lines):
            # The last line has no end: it is the one before that goes, or comes.
            if splice.start > 0:
                start, end = start - 1, length
                gone, put = "".join(f"\n{line}" for line in old), "".join(f"\n{line}" for line in new)
            else:
                end, gone, put = length, "\n".join(old), "\n".join(new)
        made.append(_narrowed(start, end, gone, put))
    return ChangeSet.splices(length, made)


def change_to(before: str, after: str) -> ChangeSet:
    """The change that makes one text of another."""
    lines = lines_in(after)
    found = hunks(lines_in(before), lines)
    return as_changes(before, [LineSplice(h.start, h.end, tuple(lines[h.new_start : h.new_end])) for h in found])


def _narrowed(start: int, end: int, gone: str, put: str) -> tuple[int, int, str]:
    """Without what is alike at both ends."""
    shorter = min(len(gone), len(put))
    same = next((i for i in range(shorter) if gone[i] != put[i]), shorter)
    shorter -= same
    tail = next((i for i in range(shorter) if gone[-1 - i] != put[-1 - i]), shorter)
    return start + units_of(gone[:same]), end - units_of(gone[len(gone) - tail :]), put[same : len(put) - tail]


def _joined(splices: Sequence[LineSplice]) -> list[LineSplice]:
    """Those that touch each other as one."""
    found: list[LineSplice] = []
    for splice in splices:
        if found and found[-1].end == splice.start:
            splice = LineSplice(found[-1].start, splice.end, found.pop().lines + splice.lines)
        found.append(splice)
    return found


def _groups(ours: list[Hunk], theirs: list[Hunk]) -> list[tuple[list[Hunk], list[Hunk]]]:
    """Hunks of both that touch the same lines of the text they began from, together."""
    found: list[tuple[list[Hunk], list[Hunk]]] = []
    sides = sorted([(h.start, h.end, 0, h) for h in ours] + [(h.start, h.end, 1, h) for h in theirs])
    for _, _, side, hunk in sides:
        # Those of one side are in order and apart: if one is met, it is the last.
        if not (found and any(_meet(hunk, other) for other in found[-1][1 - side][-1:])):
            found.append(([], []))
        found[-1][side].append(hunk)
    return found


def _meet(one: Hunk, other: Hunk) -> bool:
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    return one.start < other.end and other.start < one.end


class _Shifts:
    """By how many lines what is behind some of the hunks has moved."""

    def __init__(self, found: list[Hunk]) -> None:
        self._ends = [hunk.end for hunk in found]
        self._moved = [0, *accumulate((h.new_end - h.new_start) - (h.end - h.start) for h in found)]

    def at(self, line: int) -> int:
        """For a line of the text before."""
        return self._moved[bisect_right(self._ends, line)]


def _reached(shifts: _Shifts, group: list[Hunk], start: int, end: int) -> tuple[int, int]:
    """Where the lines from `start` to `end` of the text before are in the text after."""
    if group:
        first, last = group[0], group[-1]
        return first.new_start - (first.start - start), last.new_end + (end - last.end)
    shift = shifts.at(start)
    return start + shift, end + shift
