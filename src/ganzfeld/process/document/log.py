"""The log of a document: its text at the newest version, and the last changes that led to it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence

from ganzfeld.patch.text_file import LONGEST_TEXT
from ganzfeld.process.document.changes import ChangeError, ChangeSet, from_units, to_units
from ganzfeld.values.document import Changes, Update, UpdateKind

MOST_UPDATES = 5000
MOST_UNITS_KEPT = 4 << 20
"""Units of text in the updates that are kept, and of text that they speak of in pieces."""
MOST_UNITS = LONGEST_TEXT
"""The longest text, in UTF-16 code units."""
MOST_PIECES = 50_000
"""Pieces of one change."""
_PIECE = 8
"""What a piece of a change counts for, beside its text."""


class UpdateLog:
    """Counts versions from 0. id: random, and another one whenever versions of before say nothing any more."""

    def __init__(self, text: str) -> None:
        self.id = secrets.token_hex(8)
        self.version = 0
        self._units = to_units(text)
        self._text: str | None = text
        self._kept: deque[tuple[Update, ChangeSet, int]] = deque()
        self._cost = 0

    @classmethod
    def continued(cls, id: str, version: int, text: str, updates: Sequence[Update]) -> UpdateLog:
        """As it was when it was written down: `updates` led to this version. Raises ChangeError."""
        log = cls(text)
        log.id, log.version = id, version
        for update in updates:
            log._keep(update, ChangeSet.of(update.changes))
        return log

    @property
    def text(self) -> str:
        """The text as it is now."""
        if self._text is None:
            self._text = from_units(self._units)
        return self._text

    @property
    def units(self) -> bytes:
        """The text as it is now, in UTF-16."""
        return self._units

    @property
    def length(self) -> int:
        """Of the text, in UTF-16 code units."""
        return len(self._units) // 2

    @property
    def first(self) -> int:
        """The oldest version from which the way to the newest is known."""
        return self.version - len(self._kept)

    def check(self, changes: Sequence[Changes]) -> tuple[list[ChangeSet], bytes]:
        """These changes, the first of the text as it is now, each other of what the one before makes; and the text that
        comes out. Raises ChangeError."""
        found: list[ChangeSet] = []
        units = bytearray(self._units)
        for each in changes:
            if len(each) > MOST_PIECES:
                raise ChangeError(f"it changes more than {MOST_PIECES} pieces")
            change = ChangeSet.of(each)
            if change.new_length > MOST_UNITS:
                raise ChangeError(f"the text would be longer than {MOST_UNITS} letters")
            change.apply_to(units)
            found.append(change)
        return found, bytes(units)

    def goes_to(self, units: bytes) -> None:
        """The changes that are added next lead to this text, as `check` said."""
        self._units, self._text = units, None

    def add(self, client: str, change: ChangeSet, what: UpdateKind) -> Update:
        """Take a change that was checked."""
        update = Update(client, change.json(), what)
        self.version += 1
        self._keep(update, change)
        return update

    def renew(self) -> None:
        """Begin another log with this text: whoever knows a version of the one before is told the whole text."""
        self.id = secrets.token_hex(8)
        self._kept.clear()
        self._cost = 0

    def since(self, version: int) -> tuple[Update, ...] | None:
        """The updates that lead from a version to the newest; None if that way is not known."""
        if not self.first <= version <= self.version:
            return None
        return tuple(update for update, _, _ in self._tail(version))

    def changes_since(self, version: int) -> list[ChangeSet] | None:
        """As `since`, as change sets."""
        if not self.first <= version <= self.version:
            return None
        return [change for _, change, _ in self._tail(version)]

    def _tail(self, version: int) -> list[tuple[Update, ChangeSet, int]]:
        count = self.version - version
        return [self._kept[i] for i in range(len(self._kept) - count, len(self._kept))]

    def _keep(self, update: Update, change: ChangeSet) -> None:
        cost = sum(_PIECE + len(put or b"") // 2 for _, put in change.sections)
        self._kept.append((update, change, cost))
        self._cost += cost
        while len(self._kept) > MOST_UPDATES or self._cost > MOST_UNITS_KEPT:
            self._cost -= self._kept.popleft()[2]
