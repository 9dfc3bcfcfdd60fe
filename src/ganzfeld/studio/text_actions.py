"""What a page does to the document: it pushes changes, plays, saves, moves its caret, edits by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import limits
from ganzfeld.studio.pace import Pace
from ganzfeld.studio.show import StudioDocument
from ganzfeld.studio.viewers import Audience, Viewer
from ganzfeld.studio.wire import (
    AtText,
    CaretMoved,
    Edit,
    Edited,
    MergeEdits,
    PlayText,
    PushUpdates,
    ResolveConflict,
    SaveText,
    encode,
)

AnswerEdit = Callable[[StudioDocument, Edit], Awaitable[Edited]]


class TooFastError(Exception):
    """A page that no person sits at."""


class TextActions:
    """Of one page; lives on the server's event loop."""

    def __init__(self, document: StudioDocument, audience: Audience, viewer: Viewer, edit: AnswerEdit) -> None:
        self._document, self._audience, self._viewer, self._answer_edit = document, audience, viewer, edit
        self._edits: set[asyncio.Task[None]] = set()
        self._pushes = Pace(limits.PUSHES_A_SECOND, limits.PUSHES_AT_ONCE)
        self._plays = Pace(limits.PLAYS_A_SECOND, limits.PLAYS_AT_ONCE)
        self._carets = Pace(limits.CARETS_A_SECOND, limits.CARETS_AT_ONCE)

    async def obey(self, message: AtText) -> None:
        """Do what the page asks. Raises GanzfeldError if it cannot be done, and TooFastError."""
        document = self._document
        self._is(message)
        match message:
            case PushUpdates():
                self._keep_pace(self._pushes)
                await self._push(message)
            case MergeEdits(_, base, changes):
                self._keep_pace(self._plays)
                await asyncio.to_thread(document.merge_edits, base, changes)
            case PlayText(client, now=now, start=None):
                self._keep_pace(self._plays)
                await asyncio.to_thread(document.play_all, client, now=now)
            case PlayText(client, log, version, int() as start, end, now):
                self._keep_pace(self._plays)
                end = start if end is None else end
                await asyncio.to_thread(document.play_block, client, log, version, start, end, now=now)
            case SaveText():
                self._keep_pace(self._plays)
                await asyncio.to_thread(document.save)
            case ResolveConflict(take, number):
                self._keep_pace(self._plays)
                await asyncio.to_thread(document.resolve, take, number)
            case Edit():
                self._keep_pace(self._plays)
                if len(self._edits) >= limits.EDITS_AT_ONCE:
                    raise GanzfeldError("too many edits at once", hint="Wait for the first one")
                # What knows the language may have to be started: nothing else of this page waits for that.
                task = asyncio.create_task(self._edit(message))
                self._edits.add(task)
                task.add_done_callback(self._edits.discard)
            case CaretMoved(client, log, version, name, anchor, head):
                if head is None or self._carets.allows():
                    await asyncio.to_thread(document.caret, client, log, version, name, anchor, head)

    async def _edit(self, message: Edit) -> None:
        try:
            answer = await self._answer_edit(self._document, message)
        except GanzfeldError as error:
            answer = Edited(message.request, message.log, message.version, what=error.what, hint=error.hint)
        self._viewer.tell(f"edited {message.request}", encode(answer))

    async def leave(self) -> None:
        """The page has gone. Its caret goes, unless the page has come back by another connection."""
        if self._viewer.client and not self._audience.writes_elsewhere(self._viewer):
            await asyncio.to_thread(self._document.leave, self._viewer.client)

    def _is(self, message: AtText) -> None:
        client = getattr(message, "client", "")
        if client and not self._viewer.client:
            self._viewer.client = client
        if client and client != self._viewer.client:
            raise GanzfeldError("a page is one writer", hint="Load it again")

    def _keep_pace(self, pace: Pace) -> None:
        if not pace.allows():
            raise TooFastError

    async def _push(self, message: PushUpdates) -> None:
        log, version, reader = message.log, message.version, self._viewer.reader
        try:
            taken = await asyncio.to_thread(self._document.push, log, version, message.client, message.updates)
        except GanzfeldError:
            whole, _ = await asyncio.to_thread(self._document.told, "", 0)
            reader.log, reader.version, reader.began = whole.log, whole.version, whole.version
            self._viewer.tell("document", encode(replace(whole, reset=True)))
            raise
        if not taken and log != reader.log:
            reader.log = ""  # the whole text is what it needs
            self._viewer.look_for_news()
        elif not taken and version < reader.began:
            # It was here before, and knows less than the text that it was sent when it came back.
            whole, updates = await asyncio.to_thread(self._document.told, log, version)
            if updates is not None:
                reader.version, reader.began = whole.version, version
                self._viewer.tell("updates", encode(updates))
