"""Sources that send pictures by themselves: the newest one wins, and one that is lost is looked for again.

A kind derives from `LiveFeeder` and says in `watch` how its source is opened and read:

    class ClockFeeder(LiveFeeder):
        limits = Limits("clocks")

        def __init__(self, path: Path, *, name: str, width: int, height: int) -> None:
            self.name = name
            super().__init__((height, width, 4))

        def watch(self) -> None:
            clock = clocks.open(self.name)          # FeederError: it is not there
            while self.goes_on:
                self.arrived(clock.picture())       # uint8 [height, width, 4], the feeder's own

`watch` runs on a thread of its own. When it raises or returns, the source counts as lost: the last picture stays, and
`watch` is called again after TRY_AGAIN_SECONDS.
"""

from __future__ import annotations

import abc
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Feeder, answers, main_thread_work

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

TRY_AGAIN_SECONDS = 1.0
LARGEST_SIDE = 8192
"""Pixels of width or height of what is sent."""
UNSPECIFIED = 2
"""FFmpeg's number for a colour space that a source does not name."""


class LiveFeeder(Feeder, abc.ABC):
    """A source that sends by itself. facts: none. Each answer has the whole array of one picture.

    wants_main_thread: whether `watch` runs on the main thread of its process, one source at a time.
    """

    wants_main_thread: ClassVar[bool] = False

    def __init__(self, shape: tuple[int, ...], dtype: str = "uint8") -> None:
        """shape, dtype: of every array."""
        self.nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self.goes_on = True
        """Whether `watch` should."""
        self._changed = threading.Condition()
        self._number, self._newest = 0, np.zeros(shape, dtype)
        self._problem: FeederError | None = None
        if self.wants_main_thread:
            main_thread_work.put(self._run)
        else:
            threading.Thread(target=self._run, daemon=True).start()

    @abc.abstractmethod
    def watch(self) -> None:
        """Open the source, and call `arrived` with what it sends. Raises FeederError when it is lost."""

    def arrived(self, array: np.ndarray) -> None:
        """The newest that was sent."""
        with self._changed:
            self._number, self._newest, self._problem = self._number + 1, array, None
            self._changed.notify_all()

    @answers
    def newest(self, after: int, seconds: float) -> Answer:
        """What was sent last, if it is newer than number `after`; waits for it up to so long. facts: [its number, what
        is wrong with the source, what to do]."""
        with self._changed:
            said = self._problem
            self._changed.wait_for(lambda: self._number > after or self._problem is not said, min(seconds, 1.0))
            problem = ("", "") if self._problem is None else (self._problem.what, self._problem.hint)
            array = self._newest if self._number > after else None
            return Answer([self._number, *problem], array)

    def close(self) -> None:
        self.goes_on = False
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        while self.goes_on:
            try:
                self.watch()
                problem = FeederError("It sends no more")
            except FeederError as error:
                problem = error
            except Exception as error:
                problem = FeederError(f"It failed: {type(error).__name__}: {str(error)[:200]}")
            with self._changed:
                self._problem = problem
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self.goes_on, TRY_AGAIN_SECONDS)

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        end = time.monotonic() + seconds
        with self._changed:
            while self.goes_on and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)


def filling(frame: VideoFrame, width: int, height: int, *, from_camera: bool = False) -> np.ndarray:
    """A frame as uint8 [height, width, 4], filling that size, cropped in the middle. from_camera: what it does not say
    of its colours is taken as webcams mean it. Raises FeederError for one that is too large."""
    from av.video.reformatter import ColorRange, Colorspace

    if max(frame.width, frame.height) > LARGEST_SIDE:
        raise FeederError(f"It sends {frame.width} × {frame.height} pixels; {LARGEST_SIDE} a side are taken at most")
    scale = max(width / frame.width, height / frame.height)
    across, down = max(width, round(frame.width * scale)), max(height, round(frame.height * scale))
    options: dict[str, Any] = {"format": "rgba", "dst_color_range": ColorRange.JPEG}
    if not frame.format.is_rgb and frame.colorspace == UNSPECIFIED:
        is_large = frame.height >= 720 and not from_camera
        options["src_colorspace"] = Colorspace.ITU709 if is_large else Colorspace.ITU601
    array = frame.reformat(width=across, height=down, **options).to_ndarray()
    left, top = (across - width) // 2, (down - height) // 2
    return np.ascontiguousarray(array[top : top + height, left : left + width])


def filling_rgba(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels uint8 [h, w, 4] in that size, as `filling`; a copy."""
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    import av

    return filling(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgba"), width, height)
