"""A text that several write at once: the authority on what comes after what.

Whoever writes makes changes of the newest version that they know, and hands them in. They are taken if that is the
newest there is; otherwise the writer is told what came before, moves their changes over it, and hands them in again.
(Changes are not moved here: moved over several at once they may come out otherwise than one by one, and the writer, who
has moved them already, would be left with another text.)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document.changes import ChangeError, ChangeSet, from_units, to_units
from ganzfeld.process.document.disagreements import Disagreements
from ganzfeld.process.document.line_merge import Merge, as_changes, merge
from ganzfeld.process.document.log import UpdateLog
from ganzfeld.process.document.writers import Writers
from ganzfeld.values.document import (
    Carets,
    Changes,
    Disagreement,
    DocumentText,
    DocumentUpdates,
    Draft,
    Update,
    UpdateKind,
)

log = logging.getLogger(__name__)


class SharedText:
    """Any thread may call. lock: held while the text changes; whoever works out a change from the text holds it
    meanwhile."""

    def __init__(self, text: str) -> None:
        self.lock = threading.RLock()
        self._name = ""
        self._file: str | None = None
        self._log = UpdateLog(text)
        self._writers = Writers()
        self._disagreements = Disagreements()
        self._news = threading.Condition()
        self._news_number = 0

    # What is asked

    @property
    def text(self) -> str:
        """As it is now."""
        with self.lock:
            return self._log.text

    def told(self, log: str, version: int) -> tuple[DocumentText, DocumentUpdates | None]:
        """The whole text, and what came after this version; None if the way from there is not known."""
        with self.lock:
            known = self._log
            whole = DocumentText(known.id, known.version, known.first, self._name, known.text, self._file)
            updates = known.since(version) if log == known.id else None
            return whole, None if updates is None else DocumentUpdates(log, version, updates)

    def wait(self, news: int, timeout: float) -> int:
        """Wait until there is something newer than `news` (−1 at first); how far the news are then."""
        with self._news:
            self._news.wait_for(lambda: self._news_number > news, timeout)
            return self._news_number

    def carets(self) -> Carets:
        """Where everybody writes."""
        with self.lock:
            return Carets(self._log.id, self._writers.carets(self._log.version))

    # What writers do

    def push(self, log: str, version: int, client: str, drafts: Sequence[Draft]) -> bool:
        """Take a writer's changes, all of them or none: False if they are not of the newest version. Raises
        GanzfeldError for what is no change of it."""
        with self.lock:
            if log != self._log.id or version != self._log.version:
                return False
            try:
                changes, units = self._log.check([draft.changes for draft in drafts])
            except ChangeError as error:
                raise GanzfeldError(
                    f"What was typed last cannot be taken: {error}", hint="The text goes on without it"
                ) from None
            if changes:
                self._take(client, [(change, draft.what) for change, draft in zip(changes, drafts, strict=True)], units)
            return True

    def merge_edits(self, base: str, changes: Changes) -> None:
        """Take edits of a text that the log does not know. Raises GanzfeldError for what is no change of that text."""
        try:
            theirs = from_units(ChangeSet.of(changes).apply(to_units(base)))
        except ChangeError as error:
            raise GanzfeldError(f"What was typed while nobody listened cannot be taken: {error}") from None
        with self.lock:
            self._merge(merge(base, self._log.text, theirs), "merge")

    def caret(self, client: str, log: str, version: int, name: str, anchor: int, head: int | None) -> None:
        """A writer's caret is there now; of an old version, if the way from there is known."""
        with self.lock:
            changes = self._log.changes_since(version) if log == self._log.id else None
            if changes is None:
                return
            for change in changes:
                anchor = change.place(min(anchor, change.length))
                head = None if head is None else change.place(min(head, change.length))
            length = self._log.length
            moved = self._writers.move(client, name, min(anchor, length), None if head is None else min(head, length))
        if moved:
            self._tell()

    def leave(self, client: str) -> None:
        """A writer has gone."""
        with self.lock:
            left = self._writers.leave(client)
        if left:
            self._tell()

    def resolve(self, take: str, number: int | None) -> None:
        """End a disagreement (None: all): the document keeps "ours", takes "theirs", or has "both"."""
        with self.lock:
            ended = self._disagreements.take(number)
            if not ended:
                raise GanzfeldError("there is no such disagreement any more")
            splices = [splice for each in ended if (splice := _resolved(each, take)) is not None]
            if splices:
                self._change(ChangeSet.splices(self._log.length, _apart(splices)), "merge")
        self._tell()

    # What the show does

    def _change(self, change: ChangeSet, what: UpdateKind) -> None:
        """Change the newest text. Raises GanzfeldError if it becomes too long. The lock is held."""
        if change.is_empty:
            return
        try:
            changes, units = self._log.check([change.json()])
        except ChangeError as error:
            raise GanzfeldError(f"The text cannot be changed: {error}") from None
        self._take("", [(each, what) for each in changes], units)

    def _merge(self, found: Merge, what: UpdateKind) -> None:
        """What others made of a text before, where it fits; where it does not, both are kept. The lock is held."""
        text = self._log.text
        # The clashes are where they are in the text before: they move with the change.
        self._disagreements.add(text, found.clashes)
        self._change(as_changes(text, found.splices), what)
        self._tell()

    def _take(self, client: str, changes: Sequence[tuple[ChangeSet, UpdateKind]], units: bytes) -> None:
        """Take changes that were checked, which lead to this text."""
        self._log.goes_to(units)
        for change, what in changes:
            before, update = self._log.version, self._log.add(client, change, what)
            self._writers.changed(change, client)
            self._disagreements.moved(change)
            if not self._keeps(self._log.id, before, update):
                # What is written down is not what writers know: after a restart they must not go on from there.
                self._log.renew()
        self._disagreements.settle(units)
        self._tell()

    def _keeps(self, log_id: str, version: int, update: Update) -> bool:
        """Write down an update of a version, before anybody is told of it; False: that could not be done."""
        return True

    def _tell(self) -> None:
        with self._news:
            self._news_number += 1
            self._news.notify_all()


def _resolved(each: Disagreement, take: str) -> tuple[int, int, str] | None:
    match take:
        case "theirs":
            return each.start, each.end, each.theirs
        case "both":
            apart = "\n" if each.ours and not each.ours.endswith("\n") and not each.theirs.startswith("\n") else ""
            return each.end, each.end, apart + each.theirs
    return None


def _apart(splices: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Without those that reach into the one before."""
    found: list[tuple[int, int, str]] = []
    for start, end, text in splices:
        at = found[-1][1] if found else 0
        found.append((max(start, at), max(end, at), text))
    return found
