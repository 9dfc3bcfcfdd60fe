"""Which lines differ between two texts.

Lines that occur once in both are matched first, in the longest order that both have; what lies between them is compared
line by line, as long as that is little work. Texts come from strangers, so the work has a bound: a larger piece without
a unique line counts as changed altogether.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_READ = 20
"""How often a line is looked at on average: pieces between unique lines are pieces again."""
MOST_COMPARED = 250_000
"""Pairs of lines that are compared one by one, in all pieces without a unique line together."""


class Hunk(NamedTuple):
    """Lines start to end (counted from 0, the end is not in it) of the text before have become those of the text
    after."""

    start: int
    end: int
    new_start: int
    new_end: int


def lines_in(text: str) -> list[str]:
    """The lines without their ends; the last one may be empty."""
    return text.split("\n")


def hunks(before: Sequence[str], after: Sequence[str]) -> list[Hunk]:
    """What has changed, in order; hunks never touch each other."""
    found: list[Hunk] = []
    old = new = 0
    for i, j in [*_matches(before, after), (len(before), len(after))]:
        if i > old or j > new:
            found.append(Hunk(old, i, new, j))
        old, new = i + 1, j + 1
    return found


def _matches(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal lines, in order."""
    pairs: list[tuple[int, int]] = []
    waiting, left = [(0, len(before), 0, len(after))], MOST_COMPARED
    unread = MOST_READ * (len(before) + len(after))
    while waiting:
        a, b, c, d = waiting.pop()
        while a < b and c < d and before[a] == after[c]:
            pairs.append((a, c))
            a, c = a + 1, c + 1
        while a < b and c < d and before[b - 1] == after[d - 1]:
            b, d = b - 1, d - 1
            pairs.append((b, d))
        if a == b or c == d:
            continue
        unread -= b - a + d - c
        anchors = _unique(before, after, a, b, c, d) if unread >= 0 else []
        if anchors:
            pairs += anchors
            waiting += _between(anchors, a, b, c, d)
        elif (b - a) * (d - c) <= left:
            left -= (b - a) * (d - c)
            pairs += [(a + i, c + j) for i, j in _longest(before[a:b], after[c:d])]
    return sorted(pairs)


def _between(anchors: list[tuple[int, int]], a: int, b: int, c: int, d: int) -> Iterator[tuple[int, int, int, int]]:
    for i, j in [*anchors, (b, d)]:
        yield a, i, c, j
        a, c = i + 1, j + 1


def _unique(before: Sequence[str], after: Sequence[str], a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
    """Lines that occur once in both pieces: the longest increasing sequence of their pairs."""
    once = {line for line, count in Counter(before[a:b]).items() if count == 1}
    twice = Counter(after[c:d])
    where = {after[j]: j for j in range(c, d) if twice[after[j]] == 1}
    candidates = [(i, where[before[i]]) for i in range(a, b) if before[i] in once and before[i] in where]
    ends: list[int] = []
    links: list[tuple[tuple[int, int], int]] = []
    heads: list[int] = []
    for pair in candidates:
        place = bisect_left(ends, pair[1])
        links.append((pair, heads[place - 1] if place else -1))
        ends[place : place + 1] = [pair[1]]
        heads[place : place + 1] = [len(links) - 1]
    found, at = [], heads[-1] if heads else -1
    while at >= 0:
        pair, at = links[at]
        found.append(pair)
    return found[::-1]


def _longest(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """The longest common subsequence, by the table of its lengths."""
    width = len(after) + 1
    table = [[0] * width]
    for line in reversed(before):
        below, row = table[-1], [0] * width
        for j in range(len(after) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if line == after[j] else max(below[j], row[j + 1])
        table.append(row)
    table.reverse()
    pairs, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        if before[i] == after[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs
