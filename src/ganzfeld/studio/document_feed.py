"""The document's changes on their way to pages: every page gets each of them once and in order, or the whole text.

Nothing waits here for a slow page: what is kept is one list of changes for all of them and, of each page, how far it
has been told. A page that is further behind than the list goes back gets the whole text. All of it lives on the
server's event loop.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ganzfeld.studio.wire import encode
from ganzfeld.values.document import DocumentText, DocumentUpdates, Update

MOST_UPDATES = 2000
"""Changes that are kept here; what the document's log has forgotten (it counts letters) is forgotten here, too."""
MOST_ENCODED = 16
"""Messages that are kept for the next page that knows as much."""


@dataclass(slots=True)
class Reader:
    """One page: how far it has been told. log "": nothing yet. began: the version from which it was told all that came
    after."""

    log: str = ""
    version: int = 0
    began: int = 0


class DocumentFeed:
    """What the document's broadcast has told so far."""

    def __init__(self) -> None:
        self._whole: DocumentText | None = None
        self._first = 0
        self._updates: deque[Update] = deque()
        self._encoded: dict[tuple[str, int, int], bytes] = {}

    @property
    def log(self) -> str:
        return self._whole.log if self._whole is not None else ""

    @property
    def version(self) -> int:
        return self._first + len(self._updates)

    def take(self, whole: DocumentText, updates: DocumentUpdates | None) -> None:
        """News. whole: the text as it is now; updates: what has been changed since the last news, if that is known."""
        if updates is not None and updates.log == self.log and updates.since == self.version:
            self._updates += updates.updates
        else:
            self._updates.clear()
            self._first = whole.version
        self._whole = whole
        while self._updates and (len(self._updates) > MOST_UPDATES or self._first < whole.first):
            self._updates.popleft()
            self._first += 1
        self._encoded.clear()

    def news_for(self, reader: Reader) -> bytes | None:
        """The message that tells a page what it does not know yet; None if it knows all."""
        if self._whole is None:
            return None
        if reader.log == self.log and self._first <= reader.version:
            if reader.version >= self.version:
                return None
            key = (reader.log, reader.version, self.version)
        else:
            key = (self.log, -1, self.version)
            reader.began = self.version
        reader.log, reader.version = self.log, self.version
        if key not in self._encoded:
            if len(self._encoded) >= MOST_ENCODED:
                self._encoded.clear()
            self._encoded[key] = encode(self._message(key[1]))
        return self._encoded[key]

    def _message(self, since: int) -> DocumentText | DocumentUpdates | None:
        if since < 0:
            return self._whole
        return DocumentUpdates(self.log, since, tuple(list(self._updates)[since - self._first :]))
