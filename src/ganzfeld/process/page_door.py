"""The doors of the clean pages: a picture in somebody's browser, with nothing around it.

Unlike other doors they have no process: the studio's server, in the supervisor's process, encodes for them. Routing
opens one for each output that a page asks for, gives it a row of the master, and lists it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from functools import partial

from ganzfeld.outputs.doors.base import DoorPicture
from ganzfeld.outputs.doors.feed import Feed
from ganzfeld.outputs.doors.route import Route
from ganzfeld.process.main_output import ShownFrame
from ganzfeld.values.master import MasterWords
from ganzfeld.values.status import DoorStatus, Problem

TYPE = "page"
LOOK_SECONDS = 0.002


class PageDoor:
    """What all clean pages of one output see, under the master. Any thread may call.

    session: the show's. route: its picture is what the pages ask for, "" the main output. row: of the master.
    """

    def __init__(self, session: str, route: Route, row: int, master: MasterWords) -> None:
        self.route, self.row = route, row
        self.picture = ""
        self._lock = threading.Lock()
        self._feed = Feed(session, "", master=partial(master.for_door, row))
        self._picture: DoorPicture | None = None
        self._number = -1
        self._viewers = self._shown = 0
        self._times: deque[float] = deque(maxlen=1000)
        self._is_closed = False

    def show(self, picture: str) -> None:
        """Show this output from now on, "": none yet."""
        with self._lock:
            if not self._is_closed:
                self.picture = picture
                self._feed.show(picture)

    def wait(self, newer_than: int, timeout: float) -> ShownFrame | None:
        """The newest picture under the master, or None if its number is not above `newer_than` within `timeout`
        seconds. A picture gets another number when the master changes it."""
        deadline = time.perf_counter() + timeout
        while True:
            with self._lock:
                newest = None if self._is_closed else self._feed.newest()
                if newest is not None and newest is not self._picture:
                    self._picture, self._number = newest, self._number + 1
                if newest is not None and self._number > newer_than:
                    return ShownFrame(newest.pixels, self._number, newest.t)
            if time.perf_counter() >= deadline:
                return None
            time.sleep(LOOK_SECONDS)

    def watched(self, viewers: int) -> None:
        """So many pages more are open (or fewer, below 0)."""
        with self._lock:
            self._viewers += viewers

    def shown(self) -> None:
        """A picture was sent to a page, or to all that want the same."""
        with self._lock:
            self._shown += 1
            self._times.append(time.perf_counter())

    @property
    def is_watched(self) -> bool:
        """Whether any page is open."""
        return self._viewers > 0

    def status(self, picture_is_there: bool) -> DoorStatus:
        """How it is doing. picture_is_there: whether the patch has the output."""
        missing = Problem(f"the patch has no output '{self.route.picture}'", "Give one that name: out(…, name=…)")
        with self._lock:
            now = time.perf_counter()
            height, width = self._picture.pixels.shape[:2] if self._picture else (0, 0)
            pages = {0: "an open page", 1: "1 page"}.get(self._viewers, f"{self._viewers} pages")
            return DoorStatus(
                name=self.route.name,
                type=TYPE,
                to=self.route.to,
                picture=self.route.picture,
                state="open" if self._viewers else "waiting",
                problem=None if picture_is_there else missing,
                note=pages,
                fps=float(sum(now - each < 1 for each in self._times)),
                shown=self._shown,
                width=width,
                height=height,
            )

    def close(self) -> None:
        """Let go of the memory."""
        with self._lock:
            self._is_closed = True
            self._feed.close()
