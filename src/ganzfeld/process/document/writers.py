"""Who writes in a document, and where their carets are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ganzfeld.process.document.changes import ChangeSet
from ganzfeld.values.document import Caret

MOST_WRITERS = 32


@dataclass(frozen=True, slots=True)
class _Writer:
    """anchor, head: at the document's newest version; head None: the caret is not in the text."""

    name: str
    colour: int
    anchor: int = 0
    head: int | None = None


class Writers:
    """Kept up to date by whoever holds the document."""

    def __init__(self) -> None:
        self._writers: dict[str, _Writer] = {}

    def move(self, client: str, name: str, anchor: int, head: int | None) -> bool:
        """A writer is there; False: there are too many."""
        known = self._writers.get(client)
        if known is None:
            if len(self._writers) >= MOST_WRITERS:
                return False
            taken = {writer.colour for writer in self._writers.values()}
            known = _Writer("", next(colour for colour in range(MOST_WRITERS + 1) if colour not in taken))
        name = _plain(name) or known.name or f"writer {known.colour + 1}"
        self._writers[client] = replace(known, name=name, anchor=anchor, head=head)
        return True

    def leave(self, client: str) -> bool:
        """A writer has gone; whether they were there."""
        return self._writers.pop(client, None) is not None

    def clear(self) -> None:
        self._writers.clear()

    def changed(self, change: ChangeSet, by: str) -> None:
        """The document has changed, and what stands where with it. by: whose change it was: their caret goes with what
        they put."""
        for client, writer in self._writers.items():
            if writer.head is not None:
                after = client == by
                self._writers[client] = replace(
                    writer,
                    anchor=change.place(writer.anchor, after=after),
                    head=change.place(writer.head, after=after),
                )

    def carets(self, version: int) -> tuple[Caret, ...]:
        """All whose caret is in the text."""
        return tuple(
            Caret(client, writer.name, writer.colour, version, writer.anchor, writer.head)
            for client, writer in self._writers.items()
            if writer.head is not None
        )

    def others(self, client: str) -> Iterator[tuple[str, int]]:
        """The name and the caret's place of everybody else whose caret is in the text."""
        for other, writer in self._writers.items():
            if other != client and writer.head is not None:
                yield writer.name, writer.head


def _plain(name: str) -> str:
    """A name on one line, without what cannot be seen."""
    return " ".join("".join(letter for letter in name if letter.isprintable()).split())[:40]
