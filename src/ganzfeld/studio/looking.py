"""What pages look at beside the picture: all of it together is asked of the show, and each is sent what it asked for.

A page has one atlas on its way at most, and says when it is drawn; nothing waits for it meanwhile, so that what it gets
next is the newest. While nobody looks, nothing here runs and nothing is asked of the show.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from msgspec.structs import asdict

from ganzfeld.process.atlas_store import ShownAtlas
from ganzfeld.studio.wire import CellOfPage, EncodedAtlas, ViewOfPage, encode
from ganzfeld.values.looking import MOST_VIEWS, CellShown, CellView

if TYPE_CHECKING:
    from ganzfeld.studio.viewers import Viewer

NO_ATLAS = -1
QUALITIES = (82, 60, 35, 15)
MOST_BYTES = 1_000_000
"""Of one atlas as JPEG: the first of the qualities is taken that keeps below it."""
TOO_MANY = CellShown(problem="More is looked at than can be shown at once")
SOON = 0.001


class PageLook:
    """What one page looks at. last: the number of the newest atlas that it was given. under_way: whether that is not
    drawn yet."""

    def __init__(self, views: Sequence[ViewOfPage]) -> None:
        self.views = {view.id: _plain(view) for view in views}
        self.last = NO_ATLAS
        self.under_way = False
        self.due = 0.0


class Looking:
    """All pages that look; lives on the server's event loop, but for what a thread reads that makes their atlases.

    views: what is asked of the show. awake: set while that may have to be told, or somebody looks. wanted: set while a
    page has room for an atlas; wanted_after: any with a higher number is news to one of those.
    """

    def __init__(self) -> None:
        self._pages: dict[Viewer, PageLook] = {}
        self.views: tuple[CellView, ...] = ()
        self.awake = threading.Event()
        self.wanted = threading.Event()
        self.wanted_after = NO_ATLAS

    def look(self, viewer: Viewer, views: Sequence[ViewOfPage]) -> None:
        """A page looks at these from now on."""
        before = self._pages.pop(viewer, None)
        page = self._pages[viewer] = PageLook(views)  # also of none: what is on its way is not forgotten by that
        if before is not None:
            page.under_way, page.due = before.under_way, before.due
        self._gather()

    def leave(self, viewer: Viewer) -> None:
        """A page has gone."""
        if self._pages.pop(viewer, None) is not None:
            self._gather()

    def drawn(self, viewer: Viewer) -> None:
        """A page has drawn what it was sent."""
        if (page := self._pages.get(viewer)) is not None:
            page.under_way = False
            self.look_for_demand()

    def slept(self) -> None:
        """The show was told that nobody looks."""
        if not self.views:
            self.awake.clear()

    def offer(self, atlas: ShownAtlas, jpeg: bytes) -> None:
        """Give an atlas to all who have room for it and do not know it."""
        cells = dict(zip(atlas.views, atlas.cells))
        height, width = atlas.image.shape[:2]
        for viewer, page in self._pages.items():
            if not self._has_room(page) or page.last >= atlas.number:
                continue
            page.last = atlas.number
            mine = tuple(
                CellOfPage(id=number, **asdict(cell))
                for number, view in page.views.items()
                if (cell := self._cell(view, cells)) is not None
            )
            if not mine:
                continue
            page.under_way = True
            message = encode(EncodedAtlas(atlas.number, atlas.t, width, height, jpeg, mine))
            viewer.tell("atlas", message)
            if viewer.bandwidth is not None:
                wait = viewer.bandwidth.seconds_for(len(message))
                page.due = time.monotonic() + wait
                asyncio.get_running_loop().call_later(wait + SOON, self.look_for_demand)
        self.look_for_demand()

    def look_for_demand(self) -> None:
        """See who has room for another."""
        lasts = [page.last for page in self._pages.values() if self._has_room(page)]
        if lasts:
            self.wanted_after = min(lasts)
            self.wanted.set()
        else:
            self.wanted.clear()

    def _cell(self, view: CellView, cells: dict[CellView, CellShown]) -> CellShown | None:
        return cells.get(view) or (None if view in self.views else TOO_MANY)

    @staticmethod
    def _has_room(page: PageLook) -> bool:
        return bool(page.views) and not page.under_way and time.monotonic() >= page.due

    def _gather(self) -> None:
        unique = dict.fromkeys(view for page in self._pages.values() for view in page.views.values())
        views = tuple(unique)[:MOST_VIEWS]
        if views != self.views:
            self.views = views
            self.awake.set()
        self.look_for_demand()


def as_jpeg(image: np.ndarray) -> bytes:
    """An atlas, uint8 [height, width, 4], as JPEG of about `MOST_BYTES` at most."""
    image = np.ascontiguousarray(image)
    found = b""
    for quality in QUALITIES:
        found = simplejpeg.encode_jpeg(image, quality, "RGBA", "444" if quality == QUALITIES[0] else "420")
        if len(found) <= MOST_BYTES:
            break
    return found


def _plain(view: ViewOfPage) -> CellView:
    return CellView(**{field: getattr(view, field) for field in CellView.__struct_fields__})
