"""The pages that watch, and what each is sent next.

A viewer takes the newest frame and misses what it cannot keep up with: at most three frames are on their way to it,
and while it has no room none waits for it either, so that the next one it gets is the newest there is. Viewers that
want the same (`Wish`) share a stream, whose pictures are encoded once. Nothing here does I/O; all of it lives on the
server's event loop, except `Stream.wanted` and `Stream.wanted_after`, which the thread that makes its frames reads.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ganzfeld.studio import limits
from ganzfeld.studio.bandwidth import SharedBandwidth
from ganzfeld.studio.document_feed import DocumentFeed, Reader
from ganzfeld.studio.looking import Looking
from ganzfeld.values.document import DocumentText, DocumentUpdates

IN_FLIGHT = 3
SOON = 0.001
"""Seconds after its share allows another picture, a viewer is looked at again."""
NO_FRAME = -1
HEIGHTS = (120, 180, 240, 360, 480, 540, 640, 720, 800, 900, 1024, 1080, 1200, 1440, 1600, 2160)
RATES = (1, 2, 5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 120)
"""What can be had: what is asked for is rounded up to one of these, so that many viewers want the same. More than the
last is the whole size, and every picture."""
MOST_STREAMS = 24
MOST_LINKED_STREAMS = 12
"""Of those, for visitors by link, who may want many different things to no good."""
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What a viewer wants to see.

    page: the output of a clean page, "" the main one; None: the main output as the studio shows it, without the master.
    height: in pixels, None: the picture's own. fps: pictures a second at most, None: all. alpha: transparency, too.
    """

    page: str | None = None
    height: int | None = None
    fps: int | None = None
    alpha: bool = False


def wish_of(query: Mapping[str, str], *, is_page: bool = False) -> Wish:
    """What an address asks for: "?height=720&fps=30", of a clean page also "name=wall&background=none". What makes no
    sense is as if it were not there."""
    height, fps = _rounded(query.get("height", ""), HEIGHTS), _rounded(query.get("fps", ""), RATES)
    if not is_page:
        return Wish(height=height, fps=fps)
    return Wish(query.get("name", "")[:LONGEST_NAME], height, fps, query.get("background") == "none")


def _within(asked: str, known: tuple[int, ...], otherwise: int) -> int:
    """As `_rounded`, but never more than the last; `otherwise` for what makes no sense."""
    try:
        number = float(asked)
    except ValueError:
        return otherwise
    return next((each for each in known if each >= number), known[-1]) if number > 0 else otherwise


def _rounded(asked: str, known: tuple[int, ...]) -> int | None:
    try:
        number = float(asked)
    except ValueError:
        return None
    return next((each for each in known if each >= number), None) if number > 0 else None


def linked_wish_of(query: Mapping[str, str], *, is_page: bool = False, fps: int | None = limits.VIEWER_FPS) -> Wish:
    """As `wish_of`, within what a visitor by link may have. `screen`, which the page says, is its height in pixels.
    fps: the most there are, None: as asked for."""
    asked = wish_of(query, is_page=is_page)
    if fps is not None:
        asked = replace(asked, fps=min(asked.fps or fps, fps))
    if is_page and fps is None:
        return asked
    said = query.get("height") or query.get("screen") or str(limits.VIEWER_HEIGHT)
    return replace(asked, height=_within(said, limits.VIEWER_HEIGHTS, limits.VIEWER_HEIGHT))


LINKED_WISH = Wish(height=limits.VIEWER_HEIGHT, fps=limits.VIEWER_FPS)
ALWAYS = (Wish(), LINKED_WISH)
"""What can always be had: what the studio shows unasked, and the like for visitors by link."""


class Viewer:
    """One page: its next frame, its unacknowledged frames, and the words that wait for it."""

    def __init__(
        self, stream: Stream, bandwidth: SharedBandwidth | None = None, feed: DocumentFeed | None = None
    ) -> None:
        """feed: what it is told of the document from, None: nothing."""
        self.last = NO_FRAME
        """The number of the newest frame it was given."""
        self.stream = stream
        self.bandwidth = bandwidth
        """What its pictures are taken from, for a visitor by link."""
        self._due = 0.0
        self.reader = Reader()
        """How far it has been told what is written in the document."""
        self.client = ""
        """What it calls itself when it writes; "": it has not written."""
        self._feed = feed
        self._frame: bytes | None = None
        self._in_flight: deque[int] = deque()
        self._words: dict[str, bytes] = {}
        self._something = asyncio.Event()
        self._is_idle = False

    @property
    def wants_frame(self) -> bool:
        # Not while something is being sent: a frame that waited for a slow line would grow old.
        return self._is_idle and self._frame is None and self.has_room and time.monotonic() >= self._due

    @property
    def has_room(self) -> bool:
        """Whether it has drawn enough of what it was sent."""
        return len(self._in_flight) < IN_FLIGHT

    def offer(self, number: int, message: bytes) -> None:
        """Gives it an encoded frame, if it has room for one and does not know it yet."""
        if self.wants_frame and number > self.last:
            self.last = number
            self._in_flight.append(number)
            self._frame = message
            self._something.set()
            if self.bandwidth is not None:
                wait = self.bandwidth.seconds_for(len(message))
                self._due = time.monotonic() + wait
                asyncio.get_running_loop().call_later(wait + SOON, self.stream.look_for_demand)

    def tell(self, topic: str, message: bytes) -> None:
        """Leaves a message that is no frame; the newest of each topic wins."""
        self._words[topic] = message
        self._something.set()

    def look_for_news(self) -> None:
        """There may be news of the document."""
        self._something.set()

    def acknowledge(self, number: int) -> None:
        """The viewer has drawn frame `number`, so all sent up to it have arrived."""
        while self._in_flight and self._in_flight[0] <= number:
            self._in_flight.popleft()
        self.stream.look_for_demand()

    async def next(self) -> list[bytes]:
        """Waits for messages and takes them: words, what was written, a frame. It is called again when they are
        sent."""
        self._is_idle = True
        self.stream.look_for_demand()
        await self._something.wait()
        self._something.clear()
        self._is_idle = False
        messages = list(self._words.values())
        self._words.clear()
        if self._feed is not None and (news := self._feed.news_for(self.reader)) is not None:
            messages.append(news)
        if self._frame is not None:
            messages.append(self._frame)
            self._frame = None
        self.stream.look_for_demand()
        return messages


class Stream:
    """All viewers who want the same."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.viewers: set[Viewer] = set()
        self.wanted = threading.Event()
        """Set while some viewer has room for a frame."""
        self.wanted_after = NO_FRAME
        """Any frame with a higher number is news to one of those."""

    def offer(self, number: int, message: bytes) -> None:
        for viewer in self.viewers:
            viewer.offer(number, message)
        self.look_for_demand()

    def look_for_demand(self) -> None:
        lasts = [viewer.last for viewer in self.viewers if viewer.wants_frame]
        if lasts:
            self.wanted_after = min(lasts)
            self.wanted.set()
        else:
            self.wanted.clear()


Begin = Callable[[Stream], Callable[[], None]]
"""Begins to make a stream's frames; what it returns ends that."""


class Audience:
    """All viewers of one server. begin: called for each stream that somebody wants, until nobody does."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._streams: dict[Wish, tuple[Stream, Callable[[], None]]] = {}
        self._listeners: set[Viewer] = set()
        self._told: dict[str, bytes] = {}
        self.looking = Looking()
        """What they look at beside the picture."""
        self.document = DocumentFeed()
        """What has been told of the document since somebody listens."""
        self.for_pages = SharedBandwidth(limits.LINKED_BYTES_A_SECOND)
        self.for_outputs = SharedBandwidth(limits.OUTPUT_BYTES_A_SECOND)
        self.present = threading.Event()
        """Set while anyone listens."""

    def join(
        self, wish: Wish = Wish(), *, listens: bool = True, bandwidth: SharedBandwidth | None = None
    ) -> Viewer | None:
        """A new viewer. listens: it is told of the show, not only shown it. bandwidth: what its pictures are taken
        from, for a visitor by link. None: too many want different things; `ALWAYS` can be had."""
        if wish not in self._streams:
            most = MOST_STREAMS if bandwidth is None else MOST_LINKED_STREAMS
            if len(self._streams) >= most and wish not in ALWAYS:
                return None
            stream = Stream(wish)
            self._streams[wish] = stream, self._begin(stream)
        stream, _ = self._streams[wish]
        viewer = Viewer(stream, bandwidth, self.document if listens else None)
        stream.viewers.add(viewer)
        if bandwidth is not None:
            bandwidth.join(viewer)
        if listens:
            self._listeners.add(viewer)
            # What was said last is at most a moment old: the broadcast goes on as soon as a listener is there.
            for topic, message in self._told.items():
                viewer.tell(topic, message)
            viewer.look_for_news()
            self.present.set()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self._listeners.discard(viewer)
        self.looking.leave(viewer)
        if not self._listeners:
            self.present.clear()
            self.document = DocumentFeed()  # nobody follows it from here on
        if viewer.bandwidth is not None:
            viewer.bandwidth.leave(viewer)
        stream = viewer.stream
        stream.viewers.discard(viewer)
        stream.look_for_demand()
        if not stream.viewers:
            _, end = self._streams.pop(stream.wish)
            end()

    def tell(self, topic: str, message: bytes, *, once: bool = False) -> None:
        """Tells all who listen, and who joins later until something newer is told of this topic; once: not those."""
        if not once:
            self._told[topic] = message
        for viewer in self._listeners:
            viewer.tell(topic, message)

    def written(self, whole: DocumentText, updates: DocumentUpdates | None) -> None:
        """Tells all who listen what was written (see `DocumentFeed.take`)."""
        self.document.take(whole, updates)
        for viewer in self._listeners:
            viewer.look_for_news()

    def writes_elsewhere(self, viewer: Viewer) -> bool:
        """Whether the same writer has another connection."""
        return any(other is not viewer and other.client == viewer.client for other in self._listeners)
