"""syphon-python 0.2, as its documentation says."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import objc
from fake_host import OneThread, exactly, folder, keep, sent

RGBA8, BGRA8 = 70, 80


class Texture:
    """A texture of Metal."""

    def __init__(self, width: int, height: int, form: int, pixels: np.ndarray | None = None) -> None:
        if objc.depth == 0:
            raise RuntimeError("a texture outside of a pool is never let go")
        self._form = form
        self.pixels = np.zeros((height, width, 4), np.uint8) if pixels is None else pixels

    def width(self) -> int:
        return self.pixels.shape[1]

    def height(self) -> int:
        return self.pixels.shape[0]

    def pixelFormat(self) -> int:
        return self._form


class Device:
    """A device of Metal."""


class SyphonMetalServer(OneThread):
    def __init__(self, name: str, device: Any = None, command_queue: Any = None) -> None:
        super().__init__()
        self.name, self.device = exactly(name, str), device or Device()

    def publish_frame_texture(
        self, texture: Texture, region: Any = None, size: Any = None, is_flipped: bool = False
    ) -> None:
        self.check()
        exactly(is_flipped, bool), exactly(texture, Texture)
        if texture.pixelFormat() != RGBA8:
            raise ValueError("this fake takes RGBA")
        # A receiver sees the last row first, unless it is told that the texture is flipped.
        keep("syphon", self.name, texture.pixels if is_flipped else texture.pixels[::-1])

    def stop(self) -> None:
        self.let_go()


@dataclass
class SyphonServerDescription:
    uuid: str
    name: str
    app_name: str
    icon: Any
    raw: Any


class SyphonServerDirectory:
    def __init__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("macOS tells of servers on the main thread alone")
        self.run_loop_interval = 1.0
        self._loops = 0

    def update_run_loop(self) -> None:
        exactly(self.run_loop_interval, float)
        self._loops += 1

    @property
    def servers(self) -> list[SyphonServerDescription]:
        self.update_run_loop()
        names = [path.stem for path in folder("syphon").glob("*.npy") if not path.name.startswith(".")]
        return [SyphonServerDescription(name, name, "a program", None, name) for name in names]


class SyphonMetalClient(OneThread):
    def __init__(self, description: SyphonServerDescription, device: Any = None) -> None:
        super().__init__()
        self._name, self._number = exactly(description, SyphonServerDescription).name, 0

    @property
    def is_valid(self) -> bool:
        self.check()
        return sent("syphon", self._name) is not None

    @property
    def has_new_frame(self) -> bool:
        self.check()
        there = sent("syphon", self._name)
        return there is not None and there[0] != self._number

    @property
    def new_frame_image(self) -> Texture | None:
        self.check()
        there = sent("syphon", self._name)
        if there is None:
            return None
        self._number, picture = there
        # As a texture of OpenGL: rows begin at the bottom, BGRA.
        return Texture(picture.shape[1], picture.shape[0], BGRA8, picture[::-1][..., [2, 1, 0, 3]])

    def stop(self) -> None:
        self.let_go()
