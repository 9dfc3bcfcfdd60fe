"""What cameras showed, kept without loss in films beside a take."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import GanzfeldError, OutputError, Where
from ganzfeld.takes.records import CameraFilm

if TYPE_CHECKING:
    from av.container import OutputContainer

log = logging.getLogger(__name__)

MOST_WAITING = 64
"""Pictures that wait for the encoder; further ones are not kept."""
_RATE = 30  # of the film, which counts pictures and knows no time


class CameraRecorder:
    """Writes the pictures of one camera node, on a thread of its own. (x264 without loss: an RGB picture comes back as
    it was; a camera has no alpha.)"""

    def __init__(self, take: Path, node: str, number: int) -> None:
        self.node = node
        self.path = take.with_name(f"{take.stem}.{node}-{number}.mkv")
        self.problem: OutputError | None = None
        self._count = 0
        self._size: tuple[int, int] | None = None
        self._waiting: queue.Queue[np.ndarray | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="ganzfeld-camera-film", daemon=True)

    def add(self, picture: np.ndarray) -> int:
        """Keep a picture, uint8 [H, W, 4]; its number, or −1 if it could not be kept. Never waits."""
        size = (picture.shape[1], picture.shape[0])
        if self._size is None:
            self._size = size
            self._thread.start()
        if self.problem is not None or size != self._size:
            return -1
        try:
            self._waiting.put_nowait(picture)
        except queue.Full:
            return -1
        self._count += 1
        return self._count - 1

    @property
    def film(self) -> CameraFilm:
        """What the take says of it."""
        return CameraFilm(self.node, self.path.name, self._size or (0, 0))

    def close(self) -> None:
        """Write what waits, and finish the film."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(10)

    def _run(self) -> None:
        import av

        try:
            with av.open(str(self.path), "w", format="matroska", container_options={"flush_packets": "1"}) as container:
                stream: Any = container.add_stream("libx264rgb", rate=_RATE)
                stream.width, stream.height = self.film.size
                stream.pix_fmt = "rgb24"
                stream.gop_size = _RATE
                stream.options = {"qp": "0", "preset": "ultrafast", "x264-params": "bframes=0:rc-lookahead=0"}
                self._write(container, stream)
        except Exception as error:
            log.exception("a camera could not be recorded")
            what = f"the camera is not recorded: {error}"
            self.problem = OutputError(what, where=Where(str(self.path)), hint="The show plays on")

    def _write(self, container: OutputContainer, stream: Any) -> None:
        import av

        number = 0
        while (picture := self._waiting.get()) is not None:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[..., :3]), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            number += 1
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


class CameraReader:
    """Gives the pictures of such a film by their numbers; quickly, if they are asked for in order."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path = path
        self._pictures: Iterator[tuple[int, np.ndarray]] | None = None
        self._now: tuple[int, np.ndarray] = (-1, black(size))

    def picture(self, number: int) -> np.ndarray:
        """uint8 [H, W, 4]; the last one before it, if the film ends before it. Raises GanzfeldError."""
        if self._pictures is None or number < self._now[0]:
            self._pictures = self._decoded(number)
        while self._now[0] != number and (coming := next(self._pictures, None)) is not None:
            self._now = coming
        return self._now[1]

    def _decoded(self, number: int) -> Iterator[tuple[int, np.ndarray]]:
        import av
        from av.error import FFmpegError

        try:
            with av.open(str(self._path)) as film:
                stream = film.streams.video[0]
                base = stream.time_base or Fraction(1, 1000)
                film.seek(max(0, int((number - 1) / _RATE / base)), stream=stream, backward=True)
                for frame in film.decode(stream):
                    place = round((frame.pts or 0) * base * _RATE)
                    if place >= number - 1:
                        rgb = frame.to_ndarray(format="rgb24")
                        yield place, np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], 2)
        except (FFmpegError, OSError) as error:
            raise GanzfeldError(f"{self._path.name} cannot be read: {error}") from None


def black(size: tuple[int, int]) -> np.ndarray:
    """A picture of (width, height) that shows nothing."""
    picture = np.zeros((size[1], size[0], 4), np.uint8)
    picture[..., 3] = 255
    return picture
