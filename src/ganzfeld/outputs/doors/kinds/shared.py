"""Shared memory under a public name, for other programs on this machine."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError
from ganzfeld.values.frame_slots import MOST_SLOTS, PixelFormat
from ganzfeld.values.frames import Board, FrameWriter, remove
from ganzfeld.values.liveness import is_alive

PREFIX = "gz-"
"""Of public sessions: macOS allows 30 characters for a ring's name, of which 7 are the ring's own."""
OUTPUT = "picture"


class Shared(Door):
    """Pictures in shared memory, for other programs on this machine: TouchDesigner, Processing, a program of your own.

    The target is the public name, "ganzfeld" if left out: `shared:wall`. The other program reads with the one file
    `ganzfeld_ring.py` (NumPy alone) or the C header `ganzfeld_ring.h`: `ganzfeld outputs --files FOLDER` writes both.
    It may start before, after or while Ganzfeld plays, and keeps its last picture. Straight alpha unless asked
    otherwise.
    """

    type = "shared"
    alphas = ("straight", "premultiplied", "opaque")

    class Options(DoorOptions, frozen=True):
        """dtype: uint8, or float16 or float32 from 0 to 1. readers: programs that will look at a time, at most."""

        dtype: Literal["uint8", "float16", "float32"] = "uint8"
        readers: Annotated[int, Meta(ge=1, le=MOST_SLOTS - 2)] = 2

    def open(self) -> None:
        self._name = public_session(self.options.target)
        self._board = _taken_over(self._name)
        self._board.expect_readers(self.options.readers)
        self._writer = FrameWriter(self._name)
        self.way.note(f"shared memory '{self._name.removeprefix(PREFIX)}'")

    def show(self, picture: DoorPicture) -> None:
        width, height = picture.size
        form = PixelFormat(self.options.dtype, 4, picture.alpha, "sRGB")
        slot = self._writer.begin(OUTPUT, width, height, form)
        if slot is None:
            return  # readers hold every slot: they have pictures enough
        if form.dtype == "uint8":
            np.copyto(slot.pixels, picture.pixels)
        else:
            np.multiply(picture.pixels, np.float32(1 / 255), out=slot.pixels, casting="unsafe")
        slot.commit(frame=picture.frame, t=picture.t)

    def close(self) -> None:
        if hasattr(self, "_writer"):
            self._writer.close()
        if hasattr(self, "_board"):
            remove(self._board)
            self._board.close()

    @classmethod
    def sweep(cls, name: str, options: Options) -> None:
        try:
            board = Board(public_session(options.target))
        except FileNotFoundError:
            return
        if not is_alive(board.writer):
            remove(board)
        board.close()


def public_session(target: str) -> str:
    """The session that a public name stands for. Raises OutputError for what is no name."""
    name = target or "ganzfeld"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", name):
        raise FinalDoorError(
            f"'{name[:60]}' is no name for shared memory", hint="Use up to 16 letters, digits, - and _"
        )
    return PREFIX + name


def _taken_over(session: str) -> Board:
    """A new board, or the one that a killed process left: readers that are attached go on. Raises OutputError."""
    try:
        return Board(session, create=True)
    except FileExistsError:
        name = session.removeprefix(PREFIX)
        try:
            board = Board(session)
        except FileNotFoundError:  # it is just being made or removed, or it is something else
            what = f"something else has the name '{name}' in shared memory"
            raise OutputError(what, hint="It is tried again; or give another name: shared:NAME") from None
        if board.writer != os.getpid() and is_alive(board.writer):
            board.close()
            what = f"another program already shares pictures as '{name}'"
            raise OutputError(what, hint="Give another name: shared:NAME") from None
        return board
