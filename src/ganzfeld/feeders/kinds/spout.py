"""What other programs of a Windows machine share over Spout."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LARGEST_SIDE, LiveFeeder, filling_rgba

GL_RGBA = 0x1908
WAIT_MILLISECONDS = 100


class SpoutFeeder(LiveFeeder):
    """A sender by its name; "": whichever is the active one."""

    limits = Limits("spout", memory=1 << 30, patience=20.0, children=8)

    def __init__(self, path: Path, *, name: str, width: int, height: int) -> None:
        self._name, self._width, self._height = name, width, height
        super().__init__((height, width, 4))

    def watch(self) -> None:
        try:
            package = importlib.import_module("SpoutGL")
        except ImportError:
            raise FeederError("Spout is not installed", hint='pip install "ganzfeld[spout]" (Windows)') from None
        receiver: Any = package.SpoutReceiver()
        if not receiver.createOpenGL():
            raise FeederError("Spout found no graphics card")
        try:
            if self._name:
                receiver.setReceiverName(self._name)
            self._receive(receiver)
        finally:
            receiver.releaseReceiver()
            receiver.closeOpenGL()

    def _receive(self, receiver: Any) -> None:
        buffer: np.ndarray | None = None
        while self.goes_on:
            received = receiver.receiveImage(buffer, GL_RGBA, False, 0)
            if receiver.isUpdated():
                width, height = receiver.getSenderWidth(), receiver.getSenderHeight()
                if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
                    raise FeederError(f"Spout: '{self._name}' sends {width} × {height} pixels")
                buffer = np.zeros((height, width, 4), np.uint8)
                continue
            if not receiver.isConnected():
                raise FeederError(f"Spout: nobody sends '{self._name}'", hint="It comes back when it is sent again")
            if received and buffer is not None and receiver.isFrameNew():
                self.arrived(filling_rgba(buffer, self._width, self._height))
            receiver.waitFrameSync(self._name, WAIT_MILLISECONDS)
