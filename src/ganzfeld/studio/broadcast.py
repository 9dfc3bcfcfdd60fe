"""The two threads that carry the show to its audience: its frames, and its words.

They only read; neither can slow the render. With nobody watching, both sleep.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from ganzfeld.studio import picture
from ganzfeld.studio.desk import Desk, known_desk
from ganzfeld.studio.show import Show
from ganzfeld.studio.viewers import NO_FRAME, Audience
from ganzfeld.studio.wire import Frame, Patch, Status, encode

log = logging.getLogger(__name__)

NAP = 0.1
"""Longest sleep of either thread in seconds: how soon it notices a new viewer of a paused show, or that it ends."""
LOOK_EVERY = 0.05
"""How often the show is asked for news while someone watches, in seconds."""
NUMBERS_EVERY = 0.25
"""How often the numbers are told when there is no other news, in seconds."""


class _Broadcast(threading.Thread):
    def __init__(self, show: Show, audience: Audience, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name=f"studio {type(self).__name__.lower()}", daemon=True)
        self.show = show
        self.audience = audience
        self._loop = loop
        self._stopping = threading.Event()
        self._complained_of = ""

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:
                # A viewer's trouble is never the show's: say it once, and go on.
                if str(error) != self._complained_of:
                    self._complained_of = str(error)
                    log.exception("%s", self.name)
                self._stopping.wait(NAP)

    def step(self) -> None:
        raise NotImplementedError

    def on_loop(self, call: Callable[..., object], *arguments: object) -> None:
        """Has the event loop call it, and waits until it has: what is looked at next is what that made of it."""
        done = threading.Event()

        def call_and_say() -> None:
            try:
                call(*arguments)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(call_and_say)
        while not done.wait(NAP) and not self._stopping.is_set():
            pass


class Frames(_Broadcast):
    """Encodes each frame once for all viewers, and only when one of them has room for it."""

    _number = NO_FRAME
    _message = b""

    def step(self) -> None:
        if not self.audience.wanted.wait(NAP):
            return
        frame = self.show.wait(self.audience.wanted_after, NAP)
        if frame is None:
            return
        try:
            # A viewer that joins, or was slow, may want the frame that the others have had.
            if frame.number != self._number:
                height, width = frame.image.shape[:2]
                jpeg = picture.jpeg(frame.image)
                self._message = encode(Frame(frame.number, frame.t, width, height, sent=time.time(), jpeg=jpeg))
                self._number = frame.number
        finally:
            frame.release()
        self.on_loop(self.audience.offer, self._number, self._message)


class Words(_Broadcast):
    """Tells the status a few times a second and at once when there is news, and the patch when it changes."""

    _told: tuple[object, ...] = ()
    _told_at = 0.0
    _version: int | None = None
    _known: tuple[object, ...] = (None, None)

    def step(self) -> None:
        if not self.audience.present.wait(NAP):
            return
        shown = self.show.status()
        status = Status.of(shown)
        # The text goes first: an error points into it.
        if status.patch_version != self._version:
            self._version = status.patch_version
            self.on_loop(self.audience.tell, "patch", encode(Patch.of(shown)))
        known = known_desk(self.show)
        if any(one is not other for one, other in zip(known, self._known, strict=True)):
            self._known = known
            self.on_loop(self.audience.tell, "desk", encode(Desk.of(self.show)))
        now = time.monotonic()
        if status.news != self._told or now - self._told_at >= NUMBERS_EVERY:
            self._told, self._told_at = status.news, now
            self.on_loop(self.audience.tell, "status", encode(status))
        self._stopping.wait(LOOK_EVERY)
