"""A desktop without a screen: an X server that draws into memory, whose pixels a test reads."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest
from PIL import ImageGrab

_OTHERS = ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "PYGLFW_LIBRARY_VARIANT")


class Xvfb:
    """Is the desktop of this process, and of those it starts, until it is closed. Skips the test where there is no
    Xvfb. size: width and height."""

    def __init__(self, size: tuple[int, int]) -> None:
        if shutil.which("Xvfb") is None:
            pytest.skip("there is no Xvfb here")
        self.size = size
        reading, writing = os.pipe()
        screen = f"{size[0]}x{size[1]}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        if not number:
            self._server.wait(10)
            pytest.skip("Xvfb does not start here")
        self.name = f":{number}"
        self._before = {name: os.environ.get(name) for name in (*_OTHERS, "DISPLAY")}
        for name in _OTHERS:
            os.environ.pop(name, None)
        os.environ["DISPLAY"] = self.name

    def pixels(self) -> np.ndarray:
        """What is on the screen, uint8 [height, width, 3]."""
        return np.asarray(ImageGrab.grab(xdisplay=self.name).convert("RGB"))

    def close(self) -> None:
        """End it."""
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._server.terminate()
        self._server.wait(10)
