"""The threads that carry the show to its audience: one for each stream of pictures, and one for its state.

They only read, so none can slow the render process. While nobody watches, there are no streams, and the other sleeps.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from ganzfeld.process.atlas_store import ShownAtlas
from ganzfeld.process.main_output import ShownFrame
from ganzfeld.studio import picture
from ganzfeld.studio.looking import as_jpeg
from ganzfeld.studio.show import PageSource, StudioShow
from ganzfeld.studio.thumbnails import Thumbnails
from ganzfeld.studio.viewers import NO_FRAME, Audience, Stream
from ganzfeld.studio.wire import EncodedFrame, encode
from ganzfeld.values.desk import Desk
from ganzfeld.values.document import BlockPlayed, Carets, DocumentState
from ganzfeld.values.looking import CellView
from ganzfeld.values.status import Status

log = logging.getLogger(__name__)

NAP = 0.1
"""Longest sleep of a thread in seconds: how soon it notices a new viewer of a paused show, or that it ends."""
LOOK_EVERY = 0.05
"""How often the show is asked for news while someone watches, in seconds."""
NUMBERS_EVERY = 0.25
"""How often the numbers are told when there is no other news, in seconds."""


class _Broadcast(threading.Thread):
    def __init__(self, name: str, show: StudioShow, audience: Audience, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name=name, daemon=True)
        self.show = show
        self.audience = audience
        self._loop = loop
        self._stopping = threading.Event()
        self._complained_of = ""

    def stop(self) -> None:
        self._stopping.set()

    @property
    def has_ended(self) -> bool:
        """Whether it was told to stop and has."""
        return self._stopping.is_set() and not self.is_alive()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:
                # What goes wrong for viewers must not stop the show: log it once, and go on.
                if str(error) != self._complained_of:
                    self._complained_of = str(error)
                    log.exception("%s", self.name)
                self._stopping.wait(NAP)

    def step(self) -> None:
        raise NotImplementedError

    def on_loop(self, call: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Has the event loop call it, and waits until it has: what is looked at next is what that made of it."""
        done = threading.Event()

        def call_and_say() -> None:
            try:
                call(*arguments, **named)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(call_and_say)
        while not done.wait(NAP) and not self._stopping.is_set():
            pass


class PictureBroadcast(_Broadcast):
    """Encodes each frame of a stream once for all its viewers, and only when one of them has room for it."""

    _number = NO_FRAME
    _message = b""
    _page: PageSource | None = None
    _due = 0.0
    _counted = 0

    def __init__(self, show: StudioShow, audience: Audience, loop: asyncio.AbstractEventLoop, stream: Stream) -> None:
        super().__init__(f"studio pictures {stream.wish.page or ''}".strip(), show, audience, loop)
        self.stream, self.wish = stream, stream.wish

    def run(self) -> None:
        super().run()
        self._count(0)

    def step(self) -> None:
        self._count(len(self.stream.viewers))
        if not self.stream.wanted.wait(NAP):
            return
        if self.wish.fps is not None and (early := self._due - time.monotonic()) > 0:
            self._stopping.wait(min(early, NAP))
            return
        frame = self._frame()
        if frame is None:
            return
        # A viewer that joins, or was slow, may want the frame that the others have had.
        if frame.number != self._number:
            self._message = encode(self._encoded(frame))
            self._number = frame.number
            if self._page is not None:
                self._page.shown()
            if self.wish.fps is not None:
                # The next place of a steady beat, however long this one took.
                places = (time.monotonic() - self._due) * self.wish.fps
                self._due += (math.floor(places) + 1) / self.wish.fps
        self.on_loop(self.stream.offer, self._number, self._message)

    def _frame(self) -> ShownFrame | None:
        after = self.stream.wanted_after
        if self.wish.page is None:
            return self.show.wait(after, NAP)
        if self._page is None:
            self._page = self.show.page(self.wish.page)
            if self._page is None:
                self._stopping.wait(NAP)  # the patch may get such an output
                return None
            self._count(len(self.stream.viewers))
        return self._page.wait(after, NAP)

    def _count(self, viewers: int) -> None:
        """Tells the door how many pages are open."""
        if self._page is not None and viewers != self._counted:
            self._page.watched(viewers - self._counted)
            self._counted = viewers

    def _encoded(self, frame: ShownFrame) -> EncodedFrame:
        made = picture.pair(frame.image, self.wish.height, self.wish.alpha)
        return EncodedFrame(
            frame.number, frame.t, made.width, made.height, sent=time.time(), jpeg=made.jpeg, alpha=made.alpha
        )


class AtlasBroadcast(_Broadcast):
    """Tells the show what is looked at, and encodes each atlas once for all who look; it sleeps while nobody does."""

    _told: tuple[CellView, ...] = ()
    _newest: tuple[ShownAtlas, bytes] | None = None

    def run(self) -> None:
        super().run()
        if self._told:
            self.show.look(())

    def step(self) -> None:
        looking = self.audience.looking
        if not looking.awake.wait(NAP):
            return
        views = looking.views
        if views != self._told:
            self.show.look(views)
            self._told = views
        if not views:
            self._newest = None
            self.on_loop(looking.slept)
            return
        if not looking.wanted.wait(NAP):
            return
        atlas = self.show.atlas(looking.wanted_after, NAP)
        if atlas is None:
            return
        if self._newest is None or self._newest[0].number != atlas.number:
            self._newest = atlas, as_jpeg(atlas.image)
        self.on_loop(looking.offer, *self._newest)


class StateBroadcast(_Broadcast):
    """Tells the status a few times a second and at once when there is news; the patch's text and the desk when they
    change."""

    _news: Status | None = None
    _told_at = 0.0
    _version: int | None = None
    _desk: Desk | None = None

    def __init__(
        self,
        name: str,
        show: StudioShow,
        audience: Audience,
        loop: asyncio.AbstractEventLoop,
        thumbnails: Thumbnails,
    ) -> None:
        super().__init__(name, show, audience, loop)
        self._thumbnails = thumbnails

    def step(self) -> None:
        self._thumbnails.look()
        if not self.audience.present.wait(NAP):
            return
        status = self.show.status()
        # The text goes first: an error points into it.
        if status.patch_version != self._version:
            source = self.show.patch_source()
            self._version = source.version
            self.on_loop(self.audience.tell, "patch", encode(source))
        desk = self._thumbnails.marked(self.show.desk())
        if desk != self._desk:
            self._desk = desk
            self.on_loop(self.audience.tell, "desk", encode(desk))
        now, news = time.monotonic(), status.news
        if news != self._news or now - self._told_at >= NUMBERS_EVERY:
            self._news, self._told_at = news, now
            self.on_loop(self.audience.tell, "status", encode(status))
        self._stopping.wait(LOOK_EVERY)


class DocumentBroadcast(_Broadcast):
    """Tells what is written as soon as it is, and where writers are, what was played, what waits when that changes."""

    _news = -1
    _log, _version = "", -1
    _carets: Carets | None = None
    _played: BlockPlayed | None = None
    _state: DocumentState | None = None

    def step(self) -> None:
        if not self.audience.present.wait(NAP):
            return
        document = self.show.document
        if not self.audience.document.log:
            self._news = self._version = -1
        news = document.wait(self._news, LOOK_EVERY)
        if news != self._news:
            self._news = news
            whole, updates = document.told(self._log, self._version)
            if (whole.log, whole.version) != (self._log, self._version):
                self._log, self._version = whole.log, whole.version
                self.on_loop(self.audience.written, whole, updates)
            carets, played = document.carets(), document.last_played
            if carets != self._carets:
                self._carets = carets
                self.on_loop(self.audience.tell, "carets", encode(carets))
            if played != self._played:
                self._played = played
                self.on_loop(self.audience.tell, "played", encode(played), once=True)
        state = self.show.document_state()
        if state != self._state:
            self._state = state
            self.on_loop(self.audience.tell, "document_state", encode(state))
