"""What other programs of a Mac share over Syphon."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LARGEST_SIDE, LiveFeeder, filling_rgba

BGRA8, RGBA8 = 80, 70
"""Metal's numbers for these formats of textures."""
PACE_SECONDS = 0.004


class SyphonFeeder(LiveFeeder):
    """A server by its name, or by that of its program; "": the first one."""

    limits = Limits("syphon", memory=1 << 30, patience=20.0, children=8)
    wants_main_thread = True  # where macOS tells of servers

    def __init__(self, path: Path, *, name: str, width: int, height: int) -> None:
        self._name, self._width, self._height = name, width, height
        super().__init__((height, width, 4))

    def watch(self) -> None:
        try:
            package = importlib.import_module("syphon")
            pool = importlib.import_module("objc").autorelease_pool
            self._copy = importlib.import_module("syphon.utils.numpy").copy_mtl_texture_to_image
        except ImportError:
            raise FeederError("Syphon is not installed", hint='pip install "ganzfeld[syphon]" (macOS)') from None
        directory = package.SyphonServerDirectory()
        directory.run_loop_interval = PACE_SECONDS
        client: Any = None
        try:
            while self.goes_on:
                with pool():  # or each frame's texture stays, and memory is gone in minutes
                    if client is None:
                        client = package.SyphonMetalClient(self._found(directory))
                    directory.update_run_loop()
                    if not client.is_valid:
                        raise FeederError(f"Syphon: '{self._name}' has ended", hint="It comes back when it does")
                    if client.has_new_frame:
                        self._take(client.new_frame_image)
                self.wait(PACE_SECONDS)
        finally:
            if client is not None:
                client.stop()

    def _found(self, directory: Any) -> Any:
        servers = directory.servers
        for server in servers:
            if self._name in ("", server.name, server.app_name):
                return server
        names = ", ".join(sorted(server.name or server.app_name for server in servers)[:8])
        raise FeederError(f"Syphon: there is no server '{self._name}'", hint=f"There are {names}" if names else "")

    def _take(self, texture: Any) -> None:
        if texture is None:
            return
        width, height, form = texture.width(), texture.height(), texture.pixelFormat()
        if max(width, height) > LARGEST_SIDE or form not in (BGRA8, RGBA8):
            raise FeederError(f"Syphon: '{self._name}' sends {width} × {height} pixels of the format {form}")
        pixels: np.ndarray = self._copy(texture)
        if form == BGRA8:
            pixels = pixels[..., [2, 1, 0, 3]]
        self.arrived(filling_rgba(pixels[::-1], self._width, self._height))  # there, rows begin at the bottom
