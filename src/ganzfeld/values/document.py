"""The document of a show as every process and the page speak of it: the text that people write, and who writes where.

Places are in UTF-16 code units from 0, as in a browser; every end of a line counts one unit. A place never lies between
the two halves of a surrogate pair. `process.document` holds the document itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Changes = list[int | list[int | str]]
"""A change of a whole text, as `ChangeSet.toJSON()` of CodeMirror gives it: for each piece of the text from its
beginning either its length (it stays) or a list of its length (it goes) and the lines that come in its place."""

UpdateKind = Literal["typed", "undo", "drag", "file", "dice", "learn", "merge", "open"]
"""Why a text was changed. typed, undo, drag: by a writer; undo is redo, too, and drag a number that was dragged.
file: somebody saved the file elsewhere. dice, learn: the show wrote a line or a number. merge: a writer's edits that
began from a text which the log does not know any more, or an end of a disagreement. open: another text altogether."""
Wait = Literal["building", "waiting"]

Client = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
LogId = Annotated[str, msgspec.Meta(max_length=64)]
Place = Annotated[int, msgspec.Meta(ge=0, le=1 << 30)]
WriterName = Annotated[str, msgspec.Meta(max_length=40)]


class Update(msgspec.Struct, frozen=True):
    """One change of the document. client: who made it, "" the show itself."""

    client: str
    changes: Changes
    what: UpdateKind = "typed"


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that a writer made and that has no place in the log yet."""

    changes: Changes
    what: Literal["typed", "undo", "drag"] = "typed"


class DocumentText(msgspec.Struct, frozen=True, tag_field="kind", tag="document"):
    """The whole document. log: the id of the log that `version` counts in. first: who knows a version from there on can
    go on from it, and need not take the text. name: the patch's, without folders. file: the path of its file, None if
    it has none. reset: take the text all the same, because what was pushed last makes no sense."""

    log: str
    version: int
    first: int
    name: str
    text: str
    file: str | None = None
    reset: bool = False


class DocumentUpdates(msgspec.Struct, frozen=True, tag_field="kind", tag="updates"):
    """What was changed after version `since` of this log, in order. None is left out."""

    log: str
    since: int
    updates: tuple[Update, ...] = ()


class Disagreement(msgspec.Struct, frozen=True):
    """A part of the document that somebody changed elsewhere, too, and otherwise. number: its name in
    `ResolveConflict`. start, end: where it is in the document. ours: what stands there. theirs: what the file says."""

    number: int
    start: int
    end: int
    ours: str
    theirs: str


class Waiting(msgspec.Struct, frozen=True):
    """A text that was sent to play and does not yet. version: `PatchSource.version` of it. phase "building": it is
    being built. "waiting": it is ready, and waits for its beat or bar: so many beats, and seconds, are left."""

    version: int
    phase: Wait
    beats_left: float = 0.0
    seconds_left: float = 0.0


class DocumentState(msgspec.Struct, frozen=True, tag_field="kind", tag="document_state"):
    """What is known of the document as it was at a version.

    saved: its file holds just this text; None: it has no file. disagreements: what could not be merged when the file
    was saved elsewhere. waits: a text that is on its way to be played, or None. failed: `PatchSource.version` of the
    newest text, if it cannot be played (`Status.errors` say why), or None.
    """

    log: str
    version: int
    saved: bool | None = None
    disagreements: tuple[Disagreement, ...] = ()
    waits: Waiting | None = None
    failed: int | None = None


class BlockPlayed(msgspec.Struct, frozen=True, tag_field="kind", tag="played"):
    """Somebody played a part of the document, from `start` to `end` at this version, or all of it. patch_version:
    `PatchSource.version` of the text that was made of it."""

    client: str
    log: str
    version: int
    start: int
    end: int
    patch_version: int


class Caret(msgspec.Struct, frozen=True):
    """Where a writer is. colour: a number from 0, different for writers who are there at the same time. anchor, head:
    the ends of what is selected, at this version of the document; head is where the caret stands."""

    client: str
    name: str
    colour: int
    version: int
    anchor: int
    head: int


class Carets(msgspec.Struct, frozen=True, tag_field="kind", tag="carets"):
    """All writers."""

    log: str
    carets: tuple[Caret, ...] = ()
