"""Far ends of doors for `outputs.py`: each reads the number of the frame that is shown there."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import io
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ganzfeld.outputs.shared
from ganzfeld.values.frames import Board, FrameReader

BITS, CELL = 16, 8
"""The number stands in the left upper corner: so many squares of so many pixels, white for 1."""
NEWEST = 1
"""Of a row of the board: the word that counts the output's pictures."""
LOOK_SECONDS = 0.0005
SCRIPT = f'''
import torch


def frame(context, inputs):
    """Soft clouds that drift, with the frame's number in the corner."""
    width, height = context.request.width, context.request.height
    clouds = context.state.get("clouds")
    if clouds is None or clouds.shape[2:] != (height, 2 * width):
        made = torch.Generator().manual_seed(1)
        soft = torch.rand(1, 4, 10, 20, generator=made).to(context.device)
        clouds = torch.nn.functional.interpolate(soft, (height, 2 * width), mode="bicubic", align_corners=True)
        clouds[:, 3] = 1
        context.state["clouds"] = clouds = clouds.clamp(0, 1)
        bits = torch.arange({BITS}, device=context.device).repeat_interleave({CELL})
        context.state["bits"] = 2 ** bits
    drift = 2 * context.frame % width
    shown = clouds[..., drift : drift + width].contiguous()
    cells = (context.frame // context.state["bits"] % 2).to(shown.dtype)
    shown[:, :3, :{CELL}, : {BITS * CELL}] = cells
    return shown
'''


def number_in(corner: np.ndarray) -> int:
    """The frame's number. corner: [CELL, BITS * CELL] or more, grey from 0 to 255."""
    middles = corner[CELL // 2, CELL // 2 : BITS * CELL : CELL]
    return int((middles > 127) @ (1 << np.arange(BITS)))


class SharedMemory:
    """Reads as another program does."""

    def __init__(self, name: str) -> None:
        path = Path(ganzfeld.outputs.shared.__file__).with_name("ganzfeld_ring.py")
        spec = importlib.util.spec_from_file_location("ganzfeld_ring", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._reader = module.Reader(name)

    def number(self) -> int | None:
        picture = self._reader.latest()
        return None if picture is None else number_in(picture.pixels[:CELL, :, 1])


class _XImage(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("width", "height", "xoffset", "format")),
        ("data", ctypes.POINTER(ctypes.c_ubyte)),
        *((name, ctypes.c_int) for name in ("byte_order", "unit", "bit_order", "pad", "depth", "bytes_per_line")),
    ]


class Screen:
    """The corner of an X server's screen, 32 bits a pixel."""

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
        self._x.XOpenDisplay.restype = self._x.XDefaultRootWindow.restype = ctypes.c_void_p
        self._x.XGetImage.restype = ctypes.POINTER(_XImage)
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        self._root = ctypes.c_void_p(self._x.XDefaultRootWindow(self._display))

    def number(self) -> int | None:
        everything, z_pixmap = ctypes.c_ulong(0xFFFFFFFF), 2
        image = self._x.XGetImage(self._display, self._root, 0, 0, BITS * CELL, CELL, everything, z_pixmap)
        if not image:
            return None
        line = image.contents.bytes_per_line
        bytes_of = np.ctypeslib.as_array(image.contents.data, (CELL, line))
        number = number_in(bytes_of[:, 1 : BITS * CELL * 4 : 4])
        self._x.XDestroyImage(image)
        return number


class CleanPage:
    """What a browser does, but for drawing: takes JPEGs of the clean page, opens their corner, asks for the next."""

    def __init__(self, address: str) -> None:
        import msgspec
        from websockets.sync.client import connect

        self._connection = connect(address, compression=None, proxy=None, max_size=None)
        self._pack, self._unpack = msgspec.msgpack.encode, msgspec.msgpack.decode
        self._number: int | None = None
        threading.Thread(target=self._hear, daemon=True).start()

    def number(self) -> int | None:
        return self._number

    def _hear(self) -> None:
        from PIL import Image

        while True:
            message = self._unpack(self._connection.recv())
            if message["kind"] == "frame":
                picture = Image.open(io.BytesIO(message["jpeg"])).convert("L")
                self._number = number_in(np.asarray(picture.crop((0, 0, BITS * CELL, CELL))))
                self._connection.send(self._pack({"kind": "ack", "number": message["number"]}))


class StreamReceiver:
    """FFmpeg, which receives MPEG-TS and hands on the corner of what it decodes."""

    def __init__(self, address: str) -> None:
        corner = f"crop={BITS * CELL}:{CELL}:0:0,format=gray"
        self._number: int | None = None
        self._ffmpeg = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error", "-fflags", "nobuffer", "-flags", "low_delay",
             "-probesize", "20000", "-analyzeduration", "0", "-i", address, "-an", "-vf", corner,
             "-vsync", "passthrough", "-f", "rawvideo", "pipe:1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def number(self) -> int | None:
        return self._number

    def _read(self) -> None:
        pipe: Any = self._ffmpeg.stdout
        while len(data := pipe.read(CELL * BITS * CELL)) == CELL * BITS * CELL:
            self._number = number_in(np.frombuffer(data, np.uint8).reshape(CELL, BITS * CELL))

    def close(self) -> None:
        self._ffmpeg.kill()
        self._ffmpeg.wait()


class NdiReceiver:
    """A receiver of NDI's own library."""

    def __init__(self, name: str) -> None:
        from cyndilib.finder import Finder
        from cyndilib.receiver import Receiver
        from cyndilib.video_frame import VideoFrameSync
        from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat

        self._name, self._found = name, False
        self._finder = Finder()
        self._finder.open()
        self._receiver = Receiver(color_format=RecvColorFormat.RGBX_RGBA, bandwidth=RecvBandwidth.highest)
        self._frame = VideoFrameSync()
        self._receiver.frame_sync.set_video_frame(self._frame)

    def number(self) -> int | None:
        if not self._found:
            self._finder.wait_for_sources(0.05)
            sources = [each for each in self._finder.iter_sources() if each.stream_name == self._name]
            if not sources:
                return None
            self._receiver.set_source(sources[0])
            self._found = True
        self._receiver.frame_sync.capture_video()
        width, height = self._frame.get_resolution()
        if not width or not self._frame.get_buffer_size():
            return None
        return number_in(self._frame.get_array().reshape(height, -1, 4)[:CELL, :, 1])


FAR_ENDS: dict[str, Callable[[str], Any]] = {
    "window": Screen,
    "shared": SharedMemory,
    "ndi": NdiReceiver,
    "stream": StreamReceiver,
    "page": CleanPage,
}


@dataclass
class Seen:
    """rate: pictures a second. median, most: frames behind the show's newest; most: of 95 of 100 looks."""

    rate: float
    median: float
    most: float


def watch(kind: str, target: str, session: str, seconds: float, answer: Any) -> None:
    """Look at a far end for so many seconds, and send what was seen."""
    far_end, reader, board = FAR_ENDS[kind](target), FrameReader(session, "out"), Board(session)
    first = reader.wait(0, 60)
    row = board.row("out")
    assert first is not None and row is not None
    shift = first.frame - first.number  # from a picture's place to its frame, if none is left out
    while far_end.number() is None:
        time.sleep(LOOK_SECONDS)
    shown, behind, last = 0, [], far_end.number()
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        number = far_end.number()
        assert number is not None
        behind.append((board.get(row, NEWEST) + shift - number) % (1 << BITS))
        shown, last = shown + (number != last), number
        time.sleep(LOOK_SECONDS)
    last_frame = reader.latest()
    assert last_frame is not None
    lost = last_frame.frame - last_frame.number - shift
    if hasattr(far_end, "close"):
        far_end.close()
    answer.send((Seen(shown / passed, float(np.median(behind)), float(np.percentile(behind, 95))), lost))


def film_numbers(path: Path) -> list[int]:
    """Of the frames that a film shows."""
    import av

    with av.open(str(path)) as film:
        film.streams.video[0].thread_type = "AUTO"
        planes = (frame.reformat(format="gray").to_ndarray()[:CELL] for frame in film.decode(video=0))
        return [number_in(plane) for plane in planes]
