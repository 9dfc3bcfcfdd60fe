"""FFmpeg at the other end of MPEG-TS over UDP."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from far_ends import FarEnd
from stream_listener import StreamListener, free_port


class UdpListener(FarEnd):
    type = "stream"
    tolerance = 8
    has_alpha = False
    scales = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if shutil.which("ffmpeg") is None:
            pytest.skip("the program ffmpeg is not installed")
        self._address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        self._listener = StreamListener(self._address, (64, 48), "-probesize", "20000", "-analyzeduration", "0")

    @property
    def route(self) -> str:
        return f"stream:{self._address},bitrate=300,rate=30,preset=ultrafast"

    def newest(self) -> np.ndarray | None:
        return self._listener.newest()

    def close(self) -> None:
        self._listener.close()
