"""Changes of a text, as CodeMirror's `ChangeSet`s: what a browser pushes is applied here, and must come out the same.

A change set speaks of a whole text, in sections from its beginning: so many units stay, or so many units go and a text
comes in their place. Units are UTF-16 code units, and texts are held as UTF-16 in little-endian bytes, because places
in a browser are. `compose` and `map` follow the same rules as CodeMirror's, down to which of two insertions at one
place comes first: writers would otherwise not come to the same text. Tests hold them against the real ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ganzfeld.values.document import Changes

MOST_IN_PLACE = 8
"""Pieces of a change that is made in the text itself; one of more makes another text."""

Section = tuple[int, bytes | None]
"""Units of the text, and what comes in their place; None: they stay."""


class ChangeError(ValueError):
    """A change that makes no sense, or not for this text."""


def to_units(text: str) -> bytes:
    """The text in UTF-16. Raises ChangeError for half a surrogate pair, which no text has."""
    try:
        return text.encode("utf-16-le")
    except UnicodeEncodeError:
        raise ChangeError("half of a surrogate pair is no text") from None


def from_units(units: bytes) -> str:
    """The text of UTF-16. Raises ChangeError for half a surrogate pair."""
    try:
        return units.decode("utf-16-le")
    except UnicodeDecodeError:
        raise ChangeError("a change cuts a surrogate pair in two") from None


def units_of(text: str) -> int:
    """How many UTF-16 code units a text has."""
    return len(text) if text.isascii() else len(text) + sum(letter > "\uffff" for letter in text)


@dataclass(frozen=True)
class ChangeSet:
    """sections: of the whole text, without empty ones, and equal neighbours joined as CodeMirror joins them."""

    sections: tuple[Section, ...]

    @cached_property
    def _ends(self) -> tuple[list[int], list[int]]:
        """Where each section ends, in the text before and in the one that comes out."""
        old = new = 0
        before, after = [], []
        for length, put in self.sections:
            old += length
            new += length if put is None else len(put) // 2
            before.append(old)
            after.append(new)
        return before, after

    @classmethod
    def of(cls, json: Changes) -> ChangeSet:
        """What `ChangeSet.toJSON()` gave. Raises ChangeError for what it never gives."""
        joined = _Joined()
        for part in json:
            if isinstance(part, int):
                length, put = part, None
            else:
                length, put = _replaced(part)
            if isinstance(length, bool) or length < 0:
                raise ChangeError("a length is below 0")
            joined.add(length, put)
        return joined.done()

    @classmethod
    def splices(cls, length: int, splices: Iterable[tuple[int, int, str]]) -> ChangeSet:
        """Of a text of so many units: each (start, end, text to come there), in order and apart from each other."""
        joined, at = _Joined(), 0
        for start, end, put in splices:
            joined.add(start - at, None)
            joined.add(end - start, to_units(put))
            at = end
        joined.add(length - at, None)
        return joined.done()

    def json(self) -> Changes:
        """As `ChangeSet.toJSON()` gives it."""
        return [
            length if put is None else [length, *(from_units(put).split("\n") if put else ())]
            for length, put in self.sections
        ]

    @property
    def length(self) -> int:
        """Units of the text that is changed."""
        return self._ends[0][-1] if self.sections else 0

    @property
    def new_length(self) -> int:
        """Units of the text that comes out."""
        return self._ends[1][-1] if self.sections else 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return all(put is None for _, put in self.sections)

    @property
    def reach(self) -> tuple[int, int]:
        """From where to where the text that comes out differs; (0, 0) if nothing changes."""
        at, start, end = 0, None, 0
        for length, put in self.sections:
            if put is not None:
                start, end = at if start is None else start, at + len(put) // 2
            at += length if put is None else len(put) // 2
        return start or 0, end

    def apply(self, units: bytes) -> bytes:
        """The changed text. Raises ChangeError if this is no change of that text, or cuts a character in two."""
        if 2 * self.length != len(units):
            raise ChangeError(f"a change of {self.length} units was made to a text of {len(units) // 2}")
        parts, at = [], 0
        for length, put in self.sections:
            end = at + 2 * length
            if _cuts(units, at) or _cuts(units, end):
                raise ChangeError("a change cuts a surrogate pair in two")
            parts.append(units[at:end] if put is None else put)
            at = end
        return b"".join(parts)

    def apply_to(self, units: bytearray) -> None:
        """Change this very text. As `apply`, but what a small change of a large text takes is little."""
        replaced = [place for place, (_, put) in enumerate(self.sections) if put is not None]
        if len(replaced) > MOST_IN_PLACE:
            units[:] = self.apply(bytes(units))
            return
        if 2 * self.length != len(units):
            raise ChangeError(f"a change of {self.length} units was made to a text of {len(units) // 2}")
        ends = self._ends[0]
        for place in reversed(replaced):
            length, put = self.sections[place]
            start, end = 2 * (ends[place] - length), 2 * ends[place]
            if _cuts(units, start) or _cuts(units, end):
                raise ChangeError("a change cuts a surrogate pair in two")
            units[start:end] = put or b""

    def compose(self, after: ChangeSet) -> ChangeSet:
        """This change, and then that one, as one. Raises ChangeError if they do not fit."""
        if self.new_length != after.length:
            raise ChangeError("the changes do not follow each other")
        first, second, joined, open_ = _Walk(self), _Walk(after), _Joined(), False
        while not (first.done and second.done):
            if first.put == b"":
                joined.add(first.left, b"", join=open_)
                first.next()
            elif second.left == 0 and not second.done:
                joined.add(0, second.put, join=open_)
                second.next()
            else:
                length, before = min(first.left_after, second.left), len(joined.sections)
                goes = 0 if first.offset else first.left
                if first.put is None:
                    comes = None if second.put is None else b"" if second.offset else second.put
                    joined.add(length, comes, join=open_)
                elif second.put is None:
                    joined.add(goes, first.bit(length), join=open_)
                else:
                    joined.add(goes, b"" if second.offset else second.put, join=open_)
                goes_on = first.comes > length or (second.put is not None and second.left > length)
                open_ = goes_on and (open_ or len(joined.sections) > before)
                first.forward_after(length)
                second.forward(length)
        return joined.done()

    def map(self, over: ChangeSet, *, before: bool = False) -> ChangeSet:
        """This change for the text that `over` makes; both are changes of the same text. before: where both insert at
        one place, this one's text comes first. Raises ChangeError if they are not of one length."""
        if self.length != over.length:
            raise ChangeError("the changes are not of the same text")
        a, b, joined = _Walk(self), _Walk(over), _Joined()
        inserted = -1
        """Of which section of ours the text has been put already: what it replaces may be in pieces."""
        while not (a.done and b.done):
            if a.put is None and b.put is None:
                length = min(a.left, b.left)
                joined.add(length, None)
                a.forward(length)
                b.forward(length)
            elif b.put is not None and (
                a.put is None
                or inserted == a.index
                or (a.offset == 0 and (b.left < a.left or (b.left == a.left and not before)))
            ):
                inserted = _passed(a, b, joined, inserted)
            else:
                length, left = _kept(b, a.left)
                joined.add(length, a.put if inserted < a.index else b"")
                inserted = a.index
                a.forward(a.left - left)
        return joined.done()

    def place(self, place: int, *, after: bool = False) -> int:
        """Where a place of the text before is in the text that comes out. after: behind what is put just there."""
        before, behind = self._ends
        first = bisect_left(before, place)
        old, new = (before[first - 1], behind[first - 1]) if first else (0, 0)
        for index in range(first, len(self.sections)):
            length, put = self.sections[index]
            end = old + length
            if put is None:
                if end > place:
                    return new + place - old
                new += length
            else:
                if end > place or (end == place and not after and not length):
                    return new + len(put) // 2 if after and place > old else new
                new += len(put) // 2
            old = end
        return new


def _passed(a: _Walk, b: _Walk, joined: _Joined, inserted: int) -> int:
    """Walk over a replacement of `over`, which comes before the next of ours: what it puts stays, and of ours what lies
    wholly in what it takes away is put behind it."""
    length = b.left
    joined.add(b.comes, None)
    while length:
        piece = min(a.left, length)
        if a.put is not None and inserted < a.index and a.left <= piece:
            joined.add(0, a.put)
            inserted = a.index
        a.forward(piece)
        length -= piece
    b.next()
    return inserted


def _kept(b: _Walk, left: int) -> tuple[int, int]:
    """Of the next `left` units that ours takes away: how many `over` has left, up to the next place where it puts a
    text; and how many are still to be looked at from there."""
    kept = 0
    while left:
        if b.put is None:
            piece = min(left, b.left)
            kept += piece
            left -= piece
            b.forward(piece)
        elif b.put == b"" and b.left < left:
            left -= b.left
            b.next()
        else:
            break
    return kept, left


def composed(changes: Sequence[ChangeSet]) -> ChangeSet | None:
    """All of them, one after the other, as one; None for none."""
    whole: ChangeSet | None = None
    for change in changes:
        whole = change if whole is None else whole.compose(change)
    return whole


class _Walk:
    """Walks over the sections of a change. left: units of the text before that are left of this section. offset: units
    of it that are behind. put: what comes in its place; None: it stays."""

    def __init__(self, changes: ChangeSet) -> None:
        self._sections = changes.sections
        self.index = -1
        self.next()

    def next(self) -> None:
        self.index += 1
        self.offset = 0
        self.left, self.put = (0, None)
        self.done = self.index >= len(self._sections)
        if not self.done:
            self.left, self.put = self._sections[self.index]

    @property
    def comes(self) -> int:
        """Units that come in its place; −1: it stays."""
        return -1 if self.put is None else len(self.put) // 2

    @property
    def left_after(self) -> int:
        """Units of the text after that are left of this section."""
        return self.left if self.put is None else self.comes

    def bit(self, length: int) -> bytes:
        """The next `length` units of what is put."""
        return (self.put or b"")[: 2 * length]

    def forward(self, length: int) -> None:
        if length == self.left:
            self.next()
        else:
            self.left -= length
            self.offset += length

    def forward_after(self, length: int) -> None:
        """Forward in the text that comes out."""
        if self.put is None:
            self.forward(length)
        elif 2 * length == len(self.put):
            self.next()
        else:
            self.put = self.put[2 * length :]
            self.offset += length


class _Joined:
    """Sections as they are added, neighbours joined."""

    def __init__(self) -> None:
        self.sections: list[Section] = []

    def add(self, length: int, put: bytes | None, *, join: bool = False) -> None:
        """join: to the section before, whatever it is."""
        if length == 0 and not put:
            return
        last = self.sections[-1] if self.sections else None
        if last is not None and not put and last[1] == put:
            self.sections[-1] = (last[0] + length, put)
        elif last is not None and put is not None and last[1] is not None and ((length == 0 and last[0] == 0) or join):
            self.sections[-1] = (last[0] + length, last[1] + put)
        else:
            self.sections.append((length, put))

    def done(self) -> ChangeSet:
        return ChangeSet(tuple(self.sections))


def _replaced(part: Sequence[int | str]) -> tuple[int, bytes]:
    length, *lines = part or [""]
    if not isinstance(length, int) or not all(isinstance(line, str) for line in lines):
        raise ChangeError("this is no piece of a change")
    words = [line for line in lines if isinstance(line, str)]
    if any("\n" in line or "\r" in line for line in words):
        raise ChangeError("a line contains the end of a line")
    return length, to_units("\n".join(words))


def _cuts(units: bytes | bytearray, at: int) -> bool:
    """Whether a place (in bytes) is between the halves of a surrogate pair."""
    return 0 < at < len(units) and 0xDC <= units[at + 1] <= 0xDF
