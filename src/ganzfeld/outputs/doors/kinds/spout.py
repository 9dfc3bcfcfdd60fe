"""Spout: pictures for other programs of a Windows machine, over its graphics card."""

from __future__ import annotations

import importlib
from typing import Any

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError, package_missing
from ganzfeld.values.status import Problem

GL_RGBA = 0x1908
USUAL_NAME = "Ganzfeld"


class Spout(Door):
    """Pictures for other programs of this machine (Windows): Resolume, TouchDesigner, MadMapper, OBS.

    The target is the sender's name, "Ganzfeld" if left out. Transparency arrives, straight. Its size may change at any
    time.
    """

    type = "spout"
    alphas = ("straight", "premultiplied", "opaque")
    untried = "not yet run by us on Windows; NDI is tried (--to ndi)"

    class Options(DoorOptions, frozen=True):
        """flip: upside down, if the other program shows it so."""

        flip: bool = False

    def open(self) -> None:
        self._sender: Any = None
        self._name = self.options.target or USUAL_NAME
        try:
            package = importlib.import_module("SpoutGL")
        except ImportError as error:
            raise FinalDoorError(f"no Spout: {error}", hint='pip install "ganzfeld[spout]" (Windows)') from None
        sender = package.SpoutSender()
        if not sender.createOpenGL():
            raise OutputError("Spout found no graphics card", hint="Is a driver installed, and a desktop there?")
        self._sender = sender
        sender.setSenderName(self._name)
        self.way.note(f"'{self._name}'")

    def show(self, picture: DoorPicture) -> None:
        width, height = picture.size
        if not self._sender.sendImage(picture.pixels, width, height, GL_RGBA, self.options.flip, 0):
            raise OutputError(f"Spout did not take a picture of {width} × {height}")
        self._sender.setFrameSync(self._name)

    def close(self) -> None:
        sender, self._sender = getattr(self, "_sender", None), None
        if sender is not None:
            sender.releaseSender()
            sender.closeOpenGL()

    @classmethod
    def missing(cls) -> Problem | None:
        return package_missing(
            "SpoutGL", "ganzfeld[spout]", why="the package SpoutGL is missing (Windows alone has it)"
        )
