"""A kind of door that ends in a file, and does on demand what real ones do by accident."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from far_ends import FarEnd
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError


class Null(Door):
    """Writes its newest picture into the folder of its target.

    behave: "refuse" (the far end cannot be opened), "finish" (ends for good at the third picture), "slow", "waits" (the
    far end is not there until a file `there` is).
    """

    type = "null"
    alphas = ("straight", "premultiplied", "opaque")

    class Options(DoorOptions, frozen=True):
        """behave: see above."""

        behave: str = ""

    def open(self) -> None:
        self._folder, self._shown = Path(self.options.target), 0
        if self.options.behave == "refuse":
            raise OutputError("the far end said no", hint="Ask again")
        if self.options.behave == "waits":
            self.way.wait_for("the file 'there'")
        else:
            self.way.note("a folder")

    def idle(self) -> None:
        if self.options.behave == "waits" and (self._folder / "there").exists():
            self.way.note("it is there")

    def show(self, picture: DoorPicture) -> None:
        self._shown += 1
        if self.options.behave == "finish" and self._shown == 3:
            raise FinalDoorError("the disk is full")
        if self.options.behave == "slow":
            time.sleep(0.2)
        part = self._folder / f"part-{os.getpid()}.npy"
        np.save(part, picture.pixels)
        part.replace(self._folder / "newest.npy")

    def close(self) -> None:
        (self._folder / "closed").touch()

    def command(self, name: str, arguments: tuple) -> None:
        match name:
            case "touch":
                (self._folder / arguments[0]).touch()
            case "pin":
                self.way.keep(rate=float(arguments[0]))
            case _:
                super().command(name, arguments)


class Folder(FarEnd):
    type = "null"

    @property
    def route(self) -> str:
        return f'null:"{self.folder}"'

    def newest(self) -> np.ndarray | None:
        path = self.folder / "newest.npy"
        return np.load(path) if path.exists() else None
