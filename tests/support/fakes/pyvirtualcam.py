"""pyvirtualcam 0.15, as its documentation says, with one device: "/dev/video9"."""

from __future__ import annotations

import time
from enum import Enum

import numpy as np
from fake_host import OneThread, exactly, keep

DEVICE = "/dev/video9"


class PixelFormat(Enum):
    RGB = "raw "
    BGR = "24BG"
    RGBA = "ABGR"


class Camera(OneThread):
    def __init__(
        self,
        width: int,
        height: int,
        fps: float,
        *,
        fmt: PixelFormat = PixelFormat.RGB,
        device: str | None = None,
        backend: str | None = None,
        print_fps: bool = False,
    ) -> None:
        super().__init__()
        if device not in (None, DEVICE):
            raise RuntimeError(f"'v4l2loopback' backend: No v4l2loopback device found at {device}")
        if exactly(width, int) % 2 or exactly(height, int) % 2 or fmt is not PixelFormat.RGB or not fps > 0:
            raise RuntimeError("'v4l2loopback' backend: this cannot be sent")
        self.width, self.height, self.fps, self.device = width, height, fps, DEVICE

    def send(self, frame: np.ndarray) -> None:
        self.check()
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8 or not frame.flags.c_contiguous:
            raise ValueError(f"unexpected frame shape: {frame.shape} != {(self.height, self.width, 3)}")
        keep("camera", "camera", np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)]))

    def sleep_until_next_frame(self) -> None:
        self.check()
        time.sleep(1 / self.fps)

    def close(self) -> None:
        self.let_go()
