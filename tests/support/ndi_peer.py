"""The other end of NDI, in a process of its own: a receiver, or a sender, of NDI's own library.

As a program: `ndi_peer.py receive NAME` answers each line on its input with a picture, `ndi_peer.py send NAME` sends
the picture of each line ("width height r g b a") until the next one.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from itertools import chain
from pathlib import Path

import numpy as np


def on_this_machine_alone(folder: Path) -> dict[str, str]:
    """What the environment has to say so that NDI looks at this machine's own address alone."""
    (folder / "ndi-config.v1.json").write_text(json.dumps({"ndi": {"networks": {"ips": "127.0.0.1"}}}))
    return {"NDI_CONFIG_DIR": str(folder)}


class _Peer:
    def __init__(self, does: str, name: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, does, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class NdiReceiver(_Peer):
    """Looks at a sender of that name."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        super().__init__("receive", name, environment)

    def newest(self) -> np.ndarray | None:
        """uint8 [height, width, 4]; None: none so far."""
        assert self._process.stdout is not None
        self._say("")
        width, height = map(int, self._process.stdout.readline().split())
        if not width:
            return None
        return np.frombuffer(self._process.stdout.read(width * height * 4), np.uint8).reshape(height, width, 4)


class NdiSender(_Peer):
    """Sends pictures of one colour."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        super().__init__("send", name, environment)

    def send(self, size: tuple[int, int], colour: tuple[int, int, int, int]) -> None:
        """From now on this one, 60 times a second."""
        self._say(" ".join(map(str, (*size, *colour))))


def _receive(name: str) -> None:
    from cyndilib.finder import Finder
    from cyndilib.receiver import Receiver
    from cyndilib.video_frame import VideoFrameSync
    from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat

    finder = Finder()
    finder.open()
    receiver = Receiver(color_format=RecvColorFormat.RGBX_RGBA, bandwidth=RecvBandwidth.highest)
    frame, found = VideoFrameSync(), None
    receiver.frame_sync.set_video_frame(frame)
    for _ in sys.stdin:
        if found is None:
            finder.wait_for_sources(0.05)
            found = next((each for each in finder.iter_sources() if each.stream_name == name), None)
            if found is not None:
                receiver.set_source(found)
        receiver.frame_sync.capture_video()
        width, height = frame.get_resolution()
        data = b""
        if width and frame.get_buffer_size():
            rows = frame.get_array().reshape(height, -1, 4)
            data = np.ascontiguousarray(rows[:, :width]).tobytes()
        sys.stdout.buffer.write((f"{width} {height}\n" if data else "0 0\n").encode() + data)
        sys.stdout.buffer.flush()


def _send(name: str) -> None:
    from fractions import Fraction

    from cyndilib.sender import Sender
    from cyndilib.video_frame import VideoSendFrame
    from cyndilib.wrapper.ndi_structs import FourCC

    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: [lines.put(line) for line in chain(sys.stdin, ["end"])], daemon=True).start()
    sender, size, pixels = None, (0, 0), np.zeros((1, 1, 4), np.uint8)
    while True:
        try:
            line = lines.get_nowait() if sender is not None else lines.get()
        except queue.Empty:
            line = ""
        if line == "end":
            return
        if line:
            width, height, *colour = map(int, line.split())
            pixels = np.empty((height, width, 4), np.uint8)
            pixels[:] = colour
            if size != (width, height):
                if sender is not None:
                    sender.close()
                size, frame = (width, height), VideoSendFrame()
                frame.set_resolution(width, height)
                frame.set_fourcc(FourCC.RGBA)
                frame.set_frame_rate(Fraction(60))
                sender = Sender(name, clock_video=False, clock_audio=False)
                sender.set_video_frame(frame)
                sender.open()
        assert sender is not None
        sender.write_video(pixels.reshape(-1))
        time.sleep(1 / 60)


if __name__ == "__main__":
    {"receive": _receive, "send": _send}[sys.argv[1]](sys.argv[2])
