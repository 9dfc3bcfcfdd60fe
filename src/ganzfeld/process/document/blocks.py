"""Which lines of a text belong together, and what is played when somebody plays them.

A block is a paragraph (lines without an empty one between), widened until it holds whole statements: a call or a loop
may contain empty lines. Played is the text that plays, with those changes alone that the block has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.chunks import parse_in_pieces
from ganzfeld.process.document.line_diff import Hunk, hunks, lines_in
from ganzfeld.process.document.line_merge import LineSplice, spliced

MOST_PARAGRAPHS = 12
"""A block is widened to so many paragraphs at most."""
MOST_PARSED = 100_000
"""Letters that are read to find out how far a block reaches."""
_HEAD = re.compile(r"\s*([\w.]+\s*[=(]|for\b|#)")

Lines = tuple[int, int]
"""The first line, from 0, and the one behind the last."""


def block_at(text: str, start: int, end: int) -> Lines:
    """The block that the lines from `start` to `end` are in, both included."""
    lines = lines_in(text)
    start, end = max(0, min(start, len(lines) - 1)), max(0, min(end, len(lines) - 1))
    first, last = start, end + 1
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    if first == last:
        return start, end + 1
    first, last = _up(lines, first), _down(lines, last)
    left = MOST_PARSED
    for low, high in _wider(lines, first, last):
        left -= sum(map(len, lines[low:high]))
        if left < 0:
            break
        if _is_whole(lines, low, high):
            return low, high
    return first, last


def block_played(played: str, document: str, block: Lines) -> str:
    """The text that plays, with what the document's block has changed."""
    return _with_changes(played, document, lambda first, last: _shared(first, last, block))


def all_played_but(played: str, document: str, theirs: Sequence[Lines]) -> str:
    """The document, with what plays in the place of these blocks of it."""
    if not theirs:
        return document

    def others(first: int, last: int) -> Lines | None:
        return None if any(_shared(first, last, block) for block in theirs) else (first, last)

    return _with_changes(played, document, others)


def _with_changes(played: str, document: str, chosen: Callable[[int, int], Lines | None]) -> str:
    """chosen: of changed lines of the document, from the first to the one behind the last, those that are to play."""
    before, after = lines_in(played), lines_in(document)
    splices = []
    for hunk in _small_hunks(before, after):
        part = chosen(hunk.new_start, hunk.new_end)
        if part is None:
            continue
        first, last = part
        # Lines that go are replaced by the first of those that come.
        is_first = not any(line.strip() for line in after[hunk.new_start : first])
        start = hunk.start if is_first else hunk.end
        if last < hunk.new_end and not after[last].strip():
            last += 1  # what keeps it apart from the next
        elif first > hunk.new_start and not after[first - 1].strip():
            first -= 1
        splices.append(LineSplice(start, hunk.end, tuple(after[first:last])))
    return spliced(played, splices)


def _shared(first: int, last: int, block: Lines) -> Lines | None:
    """The part of the lines that is in the block; lines that went are in it if they were at its edge, too."""
    if first == last:
        return (first, last) if block[0] <= first <= block[1] else None
    low, high = max(first, block[0]), min(last, block[1])
    return (low, high) if low < high else None


def _small_hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[Hunk]:
    """What has changed, in pieces as small as can be told: a line that has changed is matched with the one that begins
    alike (the same name, the same call)."""
    for hunk in hunks(before, after):
        if hunk.start == hunk.end or hunk.new_end - hunk.new_start < 2:
            yield hunk
            continue
        heads = [_head(line) for line in before[hunk.start : hunk.end]]
        new_heads = [_head(line) for line in after[hunk.new_start : hunk.new_end]]
        yield from _between_heads(hunk, heads, new_heads)


def _between_heads(hunk: Hunk, heads: list[str], new_heads: list[str]) -> Iterator[Hunk]:
    old = new = 0
    kept = _unchanged(hunks(heads, new_heads), len(heads), len(new_heads))
    for i, j in kept:
        if i > old or j > new:
            yield Hunk(hunk.start + old, hunk.start + i, hunk.new_start + new, hunk.new_start + j)
        if i < len(heads):
            yield Hunk(hunk.start + i, hunk.start + i + 1, hunk.new_start + j, hunk.new_start + j + 1)
        old, new = i + 1, j + 1


def _unchanged(changed: list[Hunk], length: int, new_length: int) -> Iterator[tuple[int, int]]:
    """Pairs of what is alike, and the ends."""
    old = new = 0
    for hunk in [*changed, Hunk(length, length, new_length, new_length)]:
        while old < hunk.start:
            yield old, new
            old, new = old + 1, new + 1
        old, new = hunk.end, hunk.new_end
    yield length, new_length


def _head(line: str) -> str:
    """What a line is about: the name it defines or calls, or the line itself."""
    found = _HEAD.match(line)
    return re.sub(r"\s", "", found[0]) if found else line


def _up(lines: Sequence[str], line: int) -> int:
    """The first line of the paragraph."""
    while line > 0 and lines[line - 1].strip():
        line -= 1
    return line


def _down(lines: Sequence[str], line: int) -> int:
    """The line behind the last of the paragraph, from the one behind a line of it."""
    while line < len(lines) and lines[line].strip():
        line += 1
    return line


def _wider(lines: Sequence[str], first: int, last: int) -> Iterator[Lines]:
    """The paragraph, and with more and more of its neighbours."""
    above, below = [first], [last]
    while len(above) < MOST_PARAGRAPHS and (line := above[-1]) > 0:
        while line > 0 and not lines[line - 1].strip():
            line -= 1
        if line == 0:
            break
        above.append(_up(lines, line))
    while len(below) < MOST_PARAGRAPHS and (line := below[-1]) < len(lines):
        while line < len(lines) and not lines[line].strip():
            line += 1
        if line == len(lines):
            break
        below.append(_down(lines, line))
    for more in range(MOST_PARAGRAPHS):
        for up in range(more + 1):
            if up < len(above) and more - up < len(below):
                yield above[up], below[more - up]


def _is_whole(lines: Sequence[str], first: int, last: int) -> bool:
    """Whether these lines are whole statements, and nothing behind them belongs to the last."""
    if lines[first][:1].isspace():
        return False
    behind = next((line for line in lines[last:] if line.strip() and not line.lstrip().startswith("#")), "")
    if behind[:1].isspace():
        return False
    try:
        parse_in_pieces("\n".join(lines[first:last]))
    except (SyntaxError, ValueError, RecursionError, MemoryError, PatchError):
        return False
    return True
