"""The other end of a stream: FFmpeg, in a process of its own, which hands on what it decodes."""

from __future__ import annotations

import socket
import subprocess
import threading
from typing import BinaryIO, cast

import numpy as np


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody has just now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class StreamListener:
    """Decodes the pictures that come to an address, always in one size (width, height)."""

    def __init__(self, address: str, size: tuple[int, int], *options: str) -> None:
        self._size = size
        self._newest: np.ndarray | None = None
        scale = f"scale={size[0]}:{size[1]}:flags=neighbor:in_color_matrix=bt709:in_range=tv:out_range=pc,format=rgba"
        self.process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error", "-fflags", "nobuffer", "-flags", "low_delay", *options,
             "-i", address, "-an", "-vf", scale, "-vsync", "passthrough", "-f", "rawvideo", "pipe:1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def newest(self) -> np.ndarray | None:
        """uint8 [height, width, 4]; None: none so far."""
        return self._newest

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join(5)

    def _read(self) -> None:
        width, height = self._size
        with cast(BinaryIO, self.process.stdout) as pipe:
            while len(data := pipe.read(width * height * 4)) == width * height * 4:
                self._newest = np.frombuffer(data, np.uint8).reshape(height, width, 4)


def stream_sender(address: str, colour: str, codec: str = "libx264") -> subprocess.Popen:
    """FFmpeg, which sends pictures of one colour to an address as MPEG-TS."""
    source = f"color={colour}:size=64x48:rate=30"
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", source, "-c:v", codec]
    command += ["-preset", "ultrafast", "-tune", "zerolatency"] if codec == "libx264" else []
    command += ["-g", "10", "-pix_fmt", "yuv420p", "-f", "mpegts"]
    return subprocess.Popen([*command, address], stderr=subprocess.DEVNULL)
