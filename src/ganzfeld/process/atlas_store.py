"""The atlas as those see it who look: pictures and numbers of all that is looked at, in a session of its own.

Its one output is no output of the show: no door, take or status knows of it. Numbers travel below the pictures, so
that both are of the same frame; where they are is told beside it (`messages.AtlasLaidOut`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.messages import AtlasLaidOut, LookAt
from ganzfeld.values.frames import FrameReader, FrameStore, SharedFrame
from ganzfeld.values.looking import CellPlace, CellShown, CellView

ATLAS = "atlas"
LAYOUTS_KEPT = 8
_NAP = 0.005


def atlas_session(session: str) -> str:
    """The session of a show's atlas."""
    return f"{session}-taps"


@dataclass(frozen=True, slots=True, eq=False)
class ShownAtlas:
    """image: uint8 [height, width, 4], not to be written to. number: grows. cells: one for each view."""

    image: np.ndarray
    number: int
    t: float
    views: tuple[CellView, ...]
    cells: tuple[CellShown, ...]


class AtlasStore:
    """The memory of one show's atlas; there is none before somebody looks."""

    def __init__(self, session: str) -> None:
        """session: the show's."""
        self._session = atlas_session(session)
        self._store: FrameStore | None = None
        self._reader: FrameReader | None = None
        self._layouts: OrderedDict[int, AtlasLaidOut] = OrderedDict()
        self._closed = False
        self.asked = LookAt()
        """What the render is to show."""

    def ask(self, views: Sequence[CellView]) -> bool:
        """Somebody wants to see these; whether that is news. Raises GanzfeldError."""
        asked = LookAt(tuple(views))
        if asked == self.asked or self._closed:
            return False
        if self._store is None:
            try:
                self._store = FrameStore(self._session)
                self._reader = FrameReader(self._session, ATLAS)
            except OSError as error:
                what = f"There is no shared memory to look into the patch: {error}"
                raise GanzfeldError(what, hint="Give the system more of it (/dev/shm)") from None
        self.asked = asked
        return True

    def laid_out(self, told: AtlasLaidOut) -> None:
        """The render says where things are."""
        self._layouts[told.number] = told
        while len(self._layouts) > LAYOUTS_KEPT:
            self._layouts.popitem(last=False)

    def wait(self, newer_than: int, timeout: float) -> ShownAtlas | None:
        """The newest atlas, once its number is above `newer_than`; None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            reader, left = self._reader, deadline - time.monotonic()
            frame = None if reader is None else reader.latest()
            if frame is not None and frame.number > newer_than and (shown := self._shown(frame)) is not None:
                return shown
            if left <= 0 or self._closed:
                return None
            if reader is None or (frame is not None and frame.number > newer_than):
                time.sleep(min(left, _NAP))  # its layout comes by another way
            else:
                reader.wait(newer_than, left)

    def close(self) -> None:
        """Remove the memory."""
        self._closed = True
        if self._reader is not None:
            self._reader.close()
        if self._store is not None:
            self._store.close()

    def _shown(self, frame: SharedFrame) -> ShownAtlas | None:
        """With what was told of it; None: nothing yet."""
        pixels = frame.pixels
        for layout in reversed(list(self._layouts.values())):
            if not 0 < layout.rows < len(pixels):
                continue
            numbers = np.ascontiguousarray(pixels[len(pixels) - layout.rows :]).reshape(-1).view(np.float32)
            if numbers[0] == layout.number:
                cells = tuple(_cell(place, numbers) for place in layout.places)
                return ShownAtlas(pixels[: layout.shown], frame.number, frame.t, layout.views, cells)
        return None


def _cell(place: CellPlace, numbers: np.ndarray) -> CellShown:
    told = np.nan_to_num(numbers[place.numbers : place.numbers + place.count], nan=0.0, posinf=0.0, neginf=0.0)
    chosen = np.nan_to_num(numbers[place.channels : place.channels + place.chosen], nan=0.0, posinf=0.0, neginf=0.0)
    return CellShown(
        place.x,
        place.y,
        place.width,
        place.height,
        tuple(float(f"{number:.6g}") for number in told),
        tuple(map(int, chosen)),
        place.problem,
    )
