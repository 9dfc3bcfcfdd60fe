"""Syphon: pictures for other programs of a Mac, over its graphics card."""

from __future__ import annotations

import importlib
from typing import Any

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError, package_missing
from ganzfeld.values.status import Problem

USUAL_NAME = "Ganzfeld"


class Syphon(Door):
    """Pictures for other programs of this machine (macOS): Resolume, MadMapper, TouchDesigner, OBS.

    The target is the server's name, "Ganzfeld" if left out. Transparency arrives, premultiplied unless asked otherwise.
    Size may change at any time.
    """

    type = "syphon"
    alphas = ("premultiplied", "straight", "opaque")
    untried = "not yet run by us on macOS; NDI is tried (--to ndi)"

    class Options(DoorOptions, frozen=True):
        """flip: upside down, if the other program shows it so."""

        flip: bool = False

    def open(self) -> None:
        self._server: Any = None
        self._texture: Any = None
        try:
            package = importlib.import_module("syphon")
            self._pool = importlib.import_module("objc").autorelease_pool
            self._create = importlib.import_module("syphon.utils.raw").create_mtl_texture
            self._copy = importlib.import_module("syphon.utils.numpy").copy_image_to_mtl_texture
        except ImportError as error:
            raise FinalDoorError(f"no Syphon: {error}", hint='pip install "ganzfeld[syphon]" (macOS)') from None
        name = self.options.target or USUAL_NAME
        self._server = package.SyphonMetalServer(name)
        if self._server.device is None:
            raise OutputError("Syphon found no graphics card")
        self.way.note(f"'{name}'")

    def show(self, picture: DoorPicture) -> None:
        with self._pool():
            width, height = picture.size
            texture = self._texture
            if texture is None or (texture.width(), texture.height()) != (width, height):
                texture = self._texture = self._create(self._server.device, width, height)
            self._copy(picture.pixels, texture)
            # Rows begin at the top here, and at the bottom there.
            self._server.publish_frame_texture(texture, is_flipped=not self.options.flip)

    def close(self) -> None:
        server, self._server = getattr(self, "_server", None), None
        self._texture = None
        if server is not None:
            server.stop()

    @classmethod
    def missing(cls) -> Problem | None:
        return package_missing(
            "syphon", "ganzfeld[syphon]", why="the package syphon-python is missing (macOS alone has it)"
        )
