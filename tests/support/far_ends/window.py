"""A display: the memory of an X server without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from far_ends import FarEnd
from xvfb import Xvfb


class Screen(FarEnd):
    type = "window"
    tolerance = 1
    has_alpha = False
    scales = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._desktop = Xvfb((96, 72))

    @property
    def route(self) -> str:
        return "window:1"

    def newest(self) -> np.ndarray | None:
        pixels = self._desktop.pixels()
        return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])

    def close(self) -> None:
        self._desktop.close()
