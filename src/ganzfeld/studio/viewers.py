"""The pages that watch, and what each is sent next.

A viewer takes the newest frame and misses what it cannot keep up with: at most three frames are on their way to it,
and while it has no room none waits for it either, so that the next one it gets is the newest there is. Nothing here
does I/O; all of it lives on the server's event loop, except `Audience.wanted` and `Audience.wanted_after`, which the
thread that makes frames reads.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque

IN_FLIGHT = 3
NO_FRAME = -1


class Viewer:
    """One page: its next frame, its unacknowledged frames, and the words that wait for it."""

    def __init__(self, audience: Audience) -> None:
        self.last = NO_FRAME
        """The number of the newest frame it was given."""
        self._audience = audience
        self._frame: bytes | None = None
        self._in_flight: deque[int] = deque()
        self._words: dict[str, bytes] = {}
        self._something = asyncio.Event()
        self._is_idle = False

    @property
    def wants_frame(self) -> bool:
        # Not while something is being sent: a frame that waited for a slow line would grow old.
        return self._is_idle and self._frame is None and len(self._in_flight) < IN_FLIGHT

    def offer(self, number: int, message: bytes) -> None:
        """Gives it an encoded frame, if it has room for one and does not know it yet."""
        if self.wants_frame and number > self.last:
            self.last = number
            self._in_flight.append(number)
            self._frame = message
            self._something.set()

    def tell(self, topic: str, message: bytes) -> None:
        """Leaves a message that is no frame; the newest of each topic wins."""
        self._words[topic] = message
        self._something.set()

    def acknowledge(self, number: int) -> None:
        """The viewer has drawn frame `number`, so all sent up to it have arrived."""
        while self._in_flight and self._in_flight[0] <= number:
            self._in_flight.popleft()
        self._audience.look_for_demand()

    async def next(self) -> list[bytes]:
        """Waits for messages and takes them, words first. It is called again when they are sent."""
        self._is_idle = True
        self._audience.look_for_demand()
        await self._something.wait()
        self._something.clear()
        self._is_idle = False
        messages = list(self._words.values())
        self._words.clear()
        if self._frame is not None:
            messages.append(self._frame)
            self._frame = None
        self._audience.look_for_demand()
        return messages


class Audience:
    """All viewers of one server."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self._told: dict[str, bytes] = {}
        self.present = threading.Event()
        """Set while anyone watches."""
        self.wanted = threading.Event()
        """Set while some viewer has room for a frame."""
        self.wanted_after = NO_FRAME
        """Any frame with a higher number is news to one of those."""

    def join(self) -> Viewer:
        viewer = Viewer(self)
        self._viewers.add(viewer)
        # What was said last is at most a moment old: the broadcast goes on as soon as a viewer is there.
        for topic, message in self._told.items():
            viewer.tell(topic, message)
        self.present.set()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        if not self._viewers:
            self.present.clear()
        self.look_for_demand()

    def offer(self, number: int, message: bytes) -> None:
        for viewer in self._viewers:
            viewer.offer(number, message)
        self.look_for_demand()

    def tell(self, topic: str, message: bytes) -> None:
        """Tells all who watch, and who joins later until something newer is told of this topic."""
        self._told[topic] = message
        for viewer in self._viewers:
            viewer.tell(topic, message)

    def look_for_demand(self) -> None:
        lasts = [viewer.last for viewer in self._viewers if viewer.wants_frame]
        if lasts:
            self.wanted_after = min(lasts)
            self.wanted.set()
        else:
            self.wanted.clear()
