"""Who watches, and what each viewer is sent next.

A viewer takes the newest and drops what it cannot keep up with: at most three frames are on their way to it,
and until it acknowledges one, newer frames replace each other in its single slot. Nothing here does I/O; all of it
lives on the server's event loop, except `Audience.wanted`, on which the thread that makes frames waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque

IN_FLIGHT = 3


class Viewer:
    """One page: its next frame, its unacknowledged frames, and the words that wait for it."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._frame: tuple[int, bytes] | None = None
        self._in_flight: deque[int] = deque()
        self._words: dict[str, bytes] = {}
        self._something = asyncio.Event()

    @property
    def wants_frame(self) -> bool:
        return self._frame is None and len(self._in_flight) < IN_FLIGHT

    def offer(self, number: int, message: bytes) -> None:
        """Puts an encoded frame in the slot; an older one that still waits there is dropped."""
        self._frame = (number, message)
        if len(self._in_flight) < IN_FLIGHT:
            self._something.set()

    def tell(self, topic: str, message: bytes) -> None:
        """Leaves a message that is no frame; the newest of each topic wins."""
        self._words[topic] = message
        self._something.set()

    def acknowledge(self, number: int) -> None:
        """The viewer has drawn frame `number`, so all sent up to it have arrived."""
        while self._in_flight and self._in_flight[0] <= number:
            self._in_flight.popleft()
        if self._frame is not None and len(self._in_flight) < IN_FLIGHT:
            self._something.set()
        self._audience.look_for_demand()

    async def next(self) -> list[bytes]:
        """Waits for messages and takes them, words first; a frame counts as in flight from here on."""
        await self._something.wait()
        self._something.clear()
        messages = list(self._words.values())
        self._words.clear()
        if self._frame is not None and len(self._in_flight) < IN_FLIGHT:
            number, message = self._frame
            self._frame = None
            self._in_flight.append(number)
            messages.append(message)
            self._audience.look_for_demand()
        return messages


class Audience:
    """All viewers of one server."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self._told: dict[str, bytes] = {}
        self.wanted = threading.Event()
        """Set while some viewer has room for a frame newer than what waits for it."""
        self.present = threading.Event()
        """Set while anyone watches."""

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self) -> Viewer:
        viewer = Viewer(self)
        self._viewers.add(viewer)
        # What was said last is at most a moment old: whoever tells goes on as soon as somebody is present.
        for topic, message in self._told.items():
            viewer.tell(topic, message)
        self.present.set()
        self.look_for_demand()
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
        if any(viewer.wants_frame for viewer in self._viewers):
            self.wanted.set()
        else:
            self.wanted.clear()
