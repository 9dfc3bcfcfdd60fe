"""The memory of an NVIDIA card under a public name, for other programs on this machine."""

from __future__ import annotations

import re
import sys
import time
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError
from ganzfeld.outputs.shared.ganzfeld_cuda import CudaError, Driver, load
from ganzfeld.values.card_ring import PREFIX, CardRing
from ganzfeld.values.frame_slots import MOST_SLOTS
from ganzfeld.values.frames import GENERATION, Board
from ganzfeld.values.status import Problem

INSTEAD = "Take shared memory: shared:NAME"
LOOK_SECONDS = 0.005
MOST_COUNTED = 100
"""Pictures between two looks; more is another writer's count."""


class Cuda(Door):
    """Pictures on the NVIDIA card that makes them, for other programs on this machine, without a way through the host
    (CUDA IPC).

    The target is the public name, "ganzfeld" if left out: `cuda:wall`. The other program reads with the one file
    `ganzfeld_cuda.py`: `ganzfeld outputs --files FOLDER` writes it. The render process hands the pictures out itself;
    when it dies, what reads just then may find its own CUDA context broken, so shared memory is the safe way. Straight
    alpha unless asked otherwise.
    """

    type = "cuda"
    alphas = ("straight", "premultiplied", "opaque")
    by_render = True
    untried = "not yet run by us on Windows, nor with TouchDesigner; shared memory is tried (--to shared)"

    class Options(DoorOptions, frozen=True):
        """order: of the channels, RGBA or BGRA. origin: which row comes first, top or bottom. readers: programs that
        will look at a time, at most."""

        order: Literal["RGBA", "BGRA"] = "RGBA"
        origin: Literal["top", "bottom"] = "top"
        readers: Annotated[int, Meta(ge=1, le=MOST_SLOTS - 2)] = 2

    def open(self) -> None:
        self._board: Board | None = None
        self._ring: CardRing | None = None
        self._seen = 0
        self._session = card_session(self.options.target)
        problem = why_not()
        if problem:
            raise FinalDoorError(f"pictures cannot be shared on a card here: {problem}", hint=INSTEAD)
        self.way.wait_for("a picture on the card")

    def run(self) -> None:
        """Look what the render shares."""
        is_there = False
        while self.way.attend():
            ring = self._look()
            newest = ring.newest if ring is not None else 0
            if ring is not None and newest > self._seen:
                if not is_there:
                    self.way.note(f"on the card '{self._session.removeprefix(PREFIX)}'")
                for _ in range(min(newest - self._seen, MOST_COUNTED)):
                    self.way.shown(self._picture(ring))
                self._seen, is_there = newest, True
            elif ring is None and is_there:
                self.way.wait_for("a picture on the card")
                is_there = False
            time.sleep(LOOK_SECONDS)

    def show(self, picture: DoorPicture) -> None:
        raise AssertionError("the render shows pictures")

    def close(self) -> None:
        self._let_go()

    @classmethod
    def missing(cls) -> Problem | None:
        if sys.platform == "darwin":
            return Problem("CUDA wants an NVIDIA card", INSTEAD)
        try:
            load()
        except CudaError as error:
            return Problem(str(error), INSTEAD)
        return None

    @classmethod
    def found(cls) -> list[str]:
        """Cards that can share."""
        problem = why_not()
        if problem:
            raise OutputError(problem, hint=INSTEAD)
        return [card.name for card in Driver().cards() if not card.problem]

    @classmethod
    def sweep(cls, name: str, options: Options) -> None:
        """Nothing: the render removes what is its own, and goes on in what a killed one left."""

    def _look(self) -> CardRing | None:
        """The ring of now."""
        board = self._board
        if board is not None and self._ring is not None and not self._ring.is_retired and board.words[0]:
            return self._ring
        self._let_go()
        try:
            self._board = Board(self._session)
            ring = self._ring = CardRing.attach(self._board.ring_name(0, self._board.get(0, GENERATION)))
        except FileNotFoundError:
            self._let_go()
            return None
        self._seen = min(self._seen, ring.newest)  # another writer may count anew
        return ring

    def _let_go(self) -> None:
        for each in (self._ring, self._board):
            if each is not None:
                each.close()
        self._ring = self._board = None

    @staticmethod
    def _picture(ring: CardRing) -> DoorPicture:
        """What to count: its pixels are on the card, and not looked at."""
        pixels = np.broadcast_to(np.uint8(0), (ring.height, ring.width, 4))
        return DoorPicture(pixels, "straight", ring.newest, 0, 0.0, 0)


def why_not(driver: Driver | None = None) -> str:
    """Why no card of this machine can share its memory with other programs; "" if one can."""
    try:
        cards = (driver or Driver()).cards()
    except CudaError as error:
        return str(error)
    if not cards:
        return "there is no NVIDIA card"
    return "" if any(not card.problem for card in cards) else cards[0].problem


def card_session(target: str) -> str:
    """The session that a public name stands for. Raises OutputError for what is no name."""
    name = target or "ganzfeld"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", name):
        raise FinalDoorError(
            f"'{name[:60]}' is no name for pictures on a card", hint="Use up to 16 letters, digits, - and _"
        )
    return PREFIX + name
