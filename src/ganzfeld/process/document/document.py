"""The document of a show: the text that is written, and what of it plays and is on disk. The three are never confused:
typing changes the document, playing hands (a part of) it to the engine, saving writes it into the file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document.blocks import Lines, all_played_but, block_at, block_played
from ganzfeld.process.document.changes import ChangeError, ChangeSet, composed, from_units, to_units, units_of
from ganzfeld.process.document.disagreements import Disagreements, between
from ganzfeld.process.document.line_diff import lines_in
from ganzfeld.process.document.line_merge import as_changes, merge, merged, put, spliced
from ganzfeld.process.document.log import UpdateLog
from ganzfeld.process.document.shared_text import SharedText
from ganzfeld.process.document.store import DocumentStore, StoredDocument, boot_id
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.process.timely import LeftBehind, TimelyCalls
from ganzfeld.values.document import BlockPlayed, Changes, DocumentState, Update, UpdateKind, Waiting
from ganzfeld.values.status import Status

log = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
TRY_AGAIN_SECONDS = 10.0
SAVE_SECONDS = 3.0
"""How long a disk may take to write the file."""
MOST_UPDATES_STORED = 200
MOST_SINCE = 200
"""Updates that a change may be behind that is only tried (`text_with`)."""
UNSAVED = "what is typed here is not written down: save it"

Play = Callable[[str, bool], int]
"""Plays a text; now: without waiting for a bar or fading. Returns its version."""
Text = Callable[[], str]


class Document(SharedText):
    """Any thread may call; what may go wrong raises GanzfeldError.

    text: what the file holds, or what a show without a file begins with. file: None if it has none. newest: gives the
    text that was sent to play last; playing: the one that plays, if that may be another. play: plays a text.
    """

    def __init__(
        self, name: str, text: str, file: PatchFile | None, *, newest: Text, play: Play, playing: Text | None = None
    ) -> None:
        super().__init__(plain(text))
        self._newest, self._playing, self._play = newest, playing or newest, play
        self.first_played = ""
        """What a show begins with: the file's text; after a crash, what played."""
        self.last_played: BlockPlayed | None = None
        self._begin(name, text, file)

    def _begin(self, name: str, text: str, file: PatchFile | None, *, is_new: bool = False) -> None:
        self._patch_file = file
        self._end = _end_of_lines(text)
        self._raw, self._disk = text, plain(text)
        self.first_played = self._disk
        self._name, self._file = name, str(file.path) if file else None
        self._store = DocumentStore(str(file.path) if file else f"show {name}")
        self._written: StoredDocument | None = None
        self._write_at = 0.0
        found = self._store.open()
        self._was_written = self._store.works
        if found is not None and not is_new:
            self._take_up(*found)

    @property
    def would_be_lost(self) -> bool:
        """Whether something was typed that no file has, and that is forgotten when the show goes over to another."""
        with self.lock:
            return self._patch_file is None and self._log.text != self._disk

    def go_on_in(self, name: str, text: str, file: PatchFile | None, *, is_new: bool = False) -> None:
        """Another text altogether, from now on; what was typed in the one before is kept, if that has a file. Who knows
        the text before is told the whole one. is_new: the file was just made, so what was typed in an earlier one of
        its name counts no more."""
        with self.lock:
            self._end_store()
            self._disagreements.clear()
            self._writers.clear()
            self._log = UpdateLog(plain(text))
            self._begin(name, text, file, is_new=is_new)
        self._tell()

    # Typing is `SharedText`'s

    # Playing

    def play_block(self, client: str, log_id: str, version: int, start: int, end: int, *, now: bool) -> None:
        """Play the block from one place to another, both at a version. Raises GanzfeldError if another writer is in
        it, or nothing has changed."""
        with self.lock:
            changes = self._log.changes_since(version) if log_id == self._log.id else None
            if changes is None:
                raise GanzfeldError("the text has changed too much meanwhile", hint="Try again")
            for change in changes:
                start, end = (change.place(min(place, change.length)) for place in (start, end))
            text = self._log.text
            block = self._block(min(start, end), max(start, end))
            for name, theirs in self._theirs(client):
                if theirs[0] < block[1] and block[0] < theirs[1]:
                    raise GanzfeldError(f"{name} is in this block", hint="It can be played when they have left it")
            self._send(client, block_played(self._newest(), text, block), block, now)

    def play_all(self, client: str, *, now: bool) -> None:
        """Play the document, but for the blocks that other writers are in: those play on as they are."""
        with self.lock:
            text = self._log.text
            theirs = [block for _, block in self._theirs(client)]
            self._send(client, all_played_but(self._newest(), text, theirs), (0, len(lines_in(text))), now)

    def text_with(self, log_id: str, version: int, changes: Changes) -> str:
        """What would play if a writer made this change of a version, and then played the block it is in. Nothing is
        changed. Raises GanzfeldError for what is no change of it."""
        with self.lock:
            since = self._log.changes_since(version) if log_id == self._log.id else None
            if since is None or len(since) > MOST_SINCE:
                raise GanzfeldError("the text has changed too much meanwhile", hint="Try again")
            try:
                change = ChangeSet.of(changes)
                for each in since:
                    change = change.map(each)
                (change,), units = self._log.check([change.json()])
                text = from_units(units)
            except ChangeError as error:
                raise GanzfeldError(f"this is no change of the text: {error}") from None
            if change.is_empty:
                return self._newest()
            start, end = change.reach
            lines = (between(text, 0, place).count("\n") for place in (start, end))
            return block_played(self._newest(), text, block_at(text, *lines))

    def _send(self, client: str, text: str, lines: Lines, now: bool) -> None:
        start, end = _places(self._log.text, lines)
        version = self._play(text, now)
        self.last_played = BlockPlayed(client, self._log.id, self._log.version, start, end, version)
        self._tell()

    def _block(self, start: int, end: int) -> Lines:
        text = self._log.text
        return block_at(text, between(text, 0, start).count("\n"), between(text, 0, end).count("\n"))

    def _theirs(self, client: str) -> list[tuple[str, Lines]]:
        return [(name, self._block(head, head)) for name, head in self._writers.others(client)]

    # The file

    def save(self) -> None:
        """Write it into its file. Nothing plays."""
        with self.lock:
            if self._disagreements.all():
                raise GanzfeldError("the file says otherwise in some places", hint="Say first which it is to be")
            self._write(self._log.text)

    def saved_elsewhere(self, raw: str) -> None:
        """Another program saved the file: what changed in it is merged into what is typed, and plays."""
        with self.lock:
            theirs, base = plain(raw), self._disk
            self._raw, self._disk, self._end = raw, theirs, _end_of_lines(raw)
            self._merge(merge(base, self._log.text, theirs), "file")
            self._play(merged(base, self._newest(), theirs), False)

    def _write(self, text: str) -> None:
        if self._patch_file is None:
            raise GanzfeldError("This show has no file yet", hint="Keep it under a name")
        raw, file, before = text.replace("\n", self._end), self._patch_file, self._raw
        calls = TimelyCalls("ganzfeld-save")
        try:
            calls.call(lambda: file.write(before, raw), SAVE_SECONDS)
        except LeftBehind:
            raise GanzfeldError(f"{file.path.name} cannot be written: its disk does not answer") from None
        finally:
            calls.close()
        self._raw, self._disk = raw, text
        self._tell()

    # What the show writes

    def submitted(self, text: str) -> None:
        """A program plays another text: what it changed is merged into what is typed."""
        with self.lock:
            text = plain(text)
            self._merge(merge(self._newest(), self._log.text, text), "merge")
            self._play(text, False)

    def put(self, text: str, what: UpdateKind, *, plays: bool = True) -> None:
        """The show changed something in the text that plays, and plays it. Raises GanzfeldError if somebody is just
        changing the same lines."""
        with self.lock:
            text = plain(text)
            self._change(self._put(self._newest(), text), what)
            if plays:
                self._play(text, False)

    def edit(self, text: str) -> None:
        """As `put`, and write the change into the file, if it says there what plays."""
        with self.lock:
            text = plain(text)
            change, splices = self._put(self._newest(), text), put(self._newest(), self._disk, text)
            if self._patch_file is not None and splices is not None:
                self._write(spliced(self._disk, splices))
            self._change(change, "learn")
            self._play(text, False)

    def keep(self, before: str, after: str) -> None:
        """Write what changed from one text to another into the file, and nothing else of what is typed."""
        with self.lock:
            splices = put(before, self._disk, after)
            if splices is None:
                raise GanzfeldError("the patch's file says something else there", hint="Save what is typed")
            if self._patch_file is not None:
                self._write(spliced(self._disk, splices))

    def _put(self, before: str, after: str) -> ChangeSet:
        text = self._log.text
        splices = put(before, text, after)
        if splices is None:
            raise GanzfeldError("somebody is changing this part of the text", hint="Play it first, or undo it")
        return as_changes(text, splices)

    # How it is

    def state(self, status: Status, *, set_aside: bool = False) -> DocumentState:
        """status: the show's. set_aside: the newest text killed the render process, and another one plays."""
        with self.lock:
            saved = None if self._patch_file is None else self._log.text == self._disk
            log_id, version, disagreements = self._log.id, self._log.version, self._disagreements.all()
        waits = None if set_aside else _waits(status)
        is_newest = status.playing_version == status.patch_version and not set_aside
        failed = None if is_newest or waits is not None else status.patch_version
        return DocumentState(log_id, version, saved, disagreements, waits, failed)

    @property
    def disk(self) -> str:
        """What the file holds, as it was read or written last."""
        return self._disk

    @property
    def problem(self) -> GanzfeldError | None:
        """Why nothing is written down, or None."""
        return None if self._store.works or not self._was_written else GanzfeldError(UNSAVED)

    # What is written down

    def _take_up(self, stored: StoredDocument, since: Sequence[Update]) -> None:
        if self._patch_file is None and (stored.ended or stored.disk != self._disk):
            return  # of another opening
        try:
            self._continue(stored, since)
        except ChangeError as error:
            log.warning("the document that was written down makes no sense: %s", error)
            return
        if not stored.ended:
            self.first_played = merged(stored.disk, stored.played, self._disk)
        if self._disk != stored.disk:
            self._merge(merge(stored.disk, self._log.text, self._disk), "file")

    def _continue(self, stored: StoredDocument, since: Sequence[Update]) -> None:
        """Go on from what was written down. Raises ChangeError."""
        text, change = stored.text, composed([ChangeSet.of(update.changes) for update in since])
        if change is not None:
            text = from_units(change.apply(to_units(text)))
        if stored.boot and stored.boot == boot_id():
            updates = [*stored.updates, *since]
            self._log = UpdateLog.continued(stored.log, stored.version + len(since), text, updates)
        else:
            self._log = UpdateLog(text)
        self._disagreements = Disagreements(stored.disagreements)
        if change is not None:
            self._disagreements.moved(change)
            self._disagreements.settle(to_units(text))

    def look(self, now: float) -> None:
        """Write down what has changed. To be called several times a second, by one thread."""
        if now < self._write_at:
            return
        self._write_at = now + WRITE_SECONDS
        with self.lock:
            store, stored = self._store, self._stored()
        if stored == self._written:
            return
        if not store.write(stored):
            self._write_at = now + TRY_AGAIN_SECONDS
            return
        with self.lock:
            if store is not self._store:
                return
            self._written = stored
            if store.is_long and stored.version == self._log.version and stored.log == self._log.id:
                store.begin_journal()

    def _keeps(self, log_id: str, version: int, update: Update) -> bool:
        return self._store.append(log_id, version, update)

    def close(self) -> None:
        """The show is ended."""
        with self.lock:
            self._end_store()

    def _end_store(self) -> None:
        forget = self._patch_file is None
        if not forget:
            self._store.write(self._stored(ended=True))
        self._store.close(forget=forget)
        self._was_written = False

    def _stored(self, *, ended: bool = False) -> StoredDocument:
        first = max(self._log.first, self._log.version - MOST_UPDATES_STORED)
        return StoredDocument(
            log=self._log.id,
            version=self._log.version,
            text=self._log.text,
            updates=self._log.since(first) or (),
            played=self._playing(),
            disk=self._disk,
            disagreements=self._disagreements.all(),
            ended=ended,
            boot=boot_id(),
        )


def plain(text: str) -> str:
    """The text with line feeds as the only ends of lines, as a browser counts them."""
    return re.sub("\r\n?", "\n", text)


def _end_of_lines(text: str) -> str:
    """How most lines of a text end."""
    pairs, feeds, returns = text.count("\r\n"), text.count("\n"), text.count("\r")
    if pairs * 2 > feeds:
        return "\r\n"
    return "\r" if returns and not feeds else "\n"


def _places(text: str, lines: Lines) -> tuple[int, int]:
    """Where lines begin and end, without the end of the last."""
    found = lines_in(text)
    start = sum(units_of(line) + 1 for line in found[: lines[0]])
    return start, max(start, start + sum(units_of(line) + 1 for line in found[lines[0] : lines[1]]) - 1)


def _waits(status: Status) -> Waiting | None:
    """What is on its way to be played."""
    newest = status.patch_version
    if status.playing_version == newest:
        return None
    if status.ready_version == newest and status.ready_beats:
        left = status.ready_beats - status.beat % status.ready_beats
        return Waiting(newest, "waiting", round(left * 4) / 4, round(left * 60 / max(status.bpm, 1.0), 1))
    is_building = status.heard_version < newest or status.is_building or status.ready_version == newest
    return Waiting(newest, "building") if is_building else None
