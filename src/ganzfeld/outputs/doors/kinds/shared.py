"""Shared memory under a public name, for other programs on this machine."""

from __future__ import annotations

import os
import re
import time
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError
from ganzfeld.values.frame_slots import MOST_SLOTS, PixelFormat
from ganzfeld.values.frames import Board, FrameWriter, remove
from ganzfeld.values.liveness import is_alive
from ganzfeld.values.shared_memory import has_name

PREFIX = "gz-"
"""Of public sessions: macOS allows 30 characters for a ring's name, of which 7 are the ring's own."""
OUTPUT = "picture"
LOOK_SECONDS = 1.0
"""How often it is looked whether the name still leads here."""


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
        self._looked_at = time.monotonic()
        self.way.note(f"shared memory '{self._name.removeprefix(PREFIX)}'")

    def show(self, picture: DoorPicture) -> None:
        self._stay()
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
            if _is_ours(self._name):
                remove(self._board)
            self._board.close()

    def _stay(self) -> None:
        """Take the name again if it was taken away: some systems clear up behind a person who logs out (`RemoveIPC` of
        systemd), and nobody would find what is written here. Raises OutputError if another program has it now."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        if not _is_ours(self._name):
            self._writer.close()
            self._board.close()
            self.open()

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


def _is_ours(session: str) -> bool:
    """Whether the name leads to what this process writes."""
    if not has_name(session):  # a board is found without, where this process holds it
        return False
    try:
        board = Board(session)
    except FileNotFoundError:
        return False
    try:
        return board.writer == os.getpid()
    finally:
        board.close()


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
