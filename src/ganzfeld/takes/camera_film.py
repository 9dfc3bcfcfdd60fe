"""What cameras and other live sources showed, kept without loss in films beside a take."""

from __future__ import annotations

import logging
import queue
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import FeederError, GanzfeldError, OutputError, Where
from ganzfeld.feeders.service import OpenFeeder
from ganzfeld.takes.records import CameraFilm

if TYPE_CHECKING:
    from av.container import OutputContainer

log = logging.getLogger(__name__)

MOST_WAITING = 64
"""Pictures that wait for the encoder; further ones are not kept."""
_RATE = 30  # of the film, which counts pictures and knows no time


class CameraRecorder:
    """Writes the pictures of one node that shows a live source, on a thread of its own. (x264 without loss: an RGB
    picture comes back as it was. If the first picture is transparent anywhere, the film is twice as high, with alpha
    below the colours; if it is not, later ones that are cannot be kept.)"""

    def __init__(self, take: Path, node: str, number: int) -> None:
        self.node = node
        self.path = take.with_name(f"{take.stem}.{node}-{number}.mkv")
        self.problem: OutputError | None = None
        self._count = 0
        self._size: tuple[int, int] | None = None
        self._has_alpha = False
        self._waiting: queue.Queue[np.ndarray | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="ganzfeld-camera-film", daemon=True)

    def add(self, picture: np.ndarray) -> int:
        """Keep a picture, uint8 [H, W, 4]; its number, or −1 if it could not be kept. Never waits."""
        size = (picture.shape[1], picture.shape[0])
        if self._size is None:
            self._size, self._has_alpha = size, is_transparent(picture)
            self._thread.start()
        if self.problem is not None or size != self._size or (not self._has_alpha and is_transparent(picture)):
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
                width, height = self.film.size
                stream.width, stream.height = width, height * 2 if self._has_alpha else height
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
            colours = picture[..., :3]
            if self._has_alpha:
                colours = np.concatenate([colours, np.repeat(picture[..., 3:], 3, -1)])
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(colours), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            number += 1
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


class CameraReader:
    """Gives the pictures of such a film by their numbers; quickly, if they are asked for in order."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        self._film: OpenFeeder | None = None
        self._now: tuple[int, np.ndarray] = (-1, black(size))

    def picture(self, number: int) -> np.ndarray:
        """uint8 [H, W, 4]; the last one before it, if the film ends before it. Raises GanzfeldError."""
        if number == self._now[0]:
            return self._now[1]
        try:
            if self._film is None:
                self._film = OpenFeeder("film", self._path, slots=2)
            array = self._film.ask("at", seconds=number / _RATE, tries=3).array
        except FeederError as error:
            raise GanzfeldError(error.what, hint=error.hint) from None
        width, height = self._size
        if array is None or array.shape not in ((height, width, 4), (2 * height, width, 4)):
            raise GanzfeldError(f"{self._path.name} is not the film of this take")
        picture = array[:height].copy()
        if array.shape[0] > height:
            picture[..., 3] = array[height:, :, 0]
        self._now = number, picture
        return picture

    def close(self) -> None:
        """Close the film."""
        if self._film is not None:
            self._film.close()
            self._film = None


def is_transparent(picture: np.ndarray) -> bool:
    """Whether anything shows through."""
    return int(picture[..., 3].min(initial=255)) < 255


def black(size: tuple[int, int]) -> np.ndarray:
    """A picture of (width, height) that shows nothing."""
    picture = np.zeros((size[1], size[0], 4), np.uint8)
    picture[..., 3] = 255
    return picture
