"""What a door reads: the newest picture of its output, cut, converted and under the master."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ganzfeld.outputs.doors.base import Alpha, DoorPicture, Region
from ganzfeld.values.frames import FrameReader, SharedFrame
from ganzfeld.values.master import MasterValues

LOOK_SECONDS = 1 / 60
"""How often the master is looked at while no picture comes."""


class Feed:
    """The pictures for one door. For one thread.

    session: the show's. picture: the output's name; "": none yet. alpha: what colours shall mean. region: the part that
    is shown. master: tells where level, black and freeze are now. dims: leave the gain to the door.
    """

    def __init__(
        self,
        session: str,
        picture: str,
        *,
        alpha: Alpha = "straight",
        region: Region | None = None,
        master: Callable[[], MasterValues] = MasterValues,
        dims: bool = False,
    ) -> None:
        self._session = session
        self._alpha: Alpha = alpha
        self._region, self._master, self._dims = region, master, dims
        self._reader = FrameReader(session, picture) if picture else None
        self._frame: SharedFrame | None = None
        self._last: DoorPicture | None = None
        self._made_of: tuple[SharedFrame, float] | None = None

    def show(self, picture: str) -> None:
        """Read another output from now on; the last picture stays until it has one."""
        if self._reader is not None:
            if self._reader.output == picture:
                return
            self._reader.close()
        self._reader = FrameReader(self._session, picture) if picture else None

    def newest(self) -> DoorPicture | None:
        """The newest picture; the same object as the last time if nothing has changed; None: there was none yet."""
        master = self._master()
        if self._reader is not None and (self._frame is None or not master.frozen):
            self._frame = self._reader.latest() or self._frame
        frame = self._frame
        if frame is None:
            return None
        gain = round(master.gain, 4)
        if self._made_of is not None and self._made_of[0] is frame and self._made_of[1] == gain:
            return self._last
        self._made_of = frame, gain
        pixels = cut(frame.pixels, self._region)
        pixels = converted(pixels, self._alpha, 1.0 if self._dims else gain)
        self._last = DoorPicture(
            pixels, self._alpha, frame.number, frame.frame, frame.t, frame.stamp, gain if self._dims else 1.0
        )
        return self._last

    def wait(self, seconds: float) -> DoorPicture | None:
        """As `newest`, but waits up to so many seconds for a picture that differs from the last one."""
        before, deadline = self._last, time.perf_counter() + seconds
        while True:
            picture = self.newest()
            left = deadline - time.perf_counter()
            if picture is not before or left <= 0:
                return picture
            if self._reader is None or self._master().frozen:
                time.sleep(min(left, LOOK_SECONDS))
            else:
                self._reader.wait(self._frame.number if self._frame else 0, min(left, LOOK_SECONDS))

    def close(self) -> None:
        """Let go of the memory."""
        if self._reader is not None:
            self._reader.close()


def cut(pixels: np.ndarray, region: Region | None) -> np.ndarray:
    """The region of a picture, [h, w, 4]: where it reaches beyond the picture, transparent black."""
    if region is None:
        return pixels
    x, y, width, height = region
    part = pixels[y : y + height, x : x + width]
    if part.shape[:2] != (height, width):
        whole = np.zeros((height, width, 4), np.uint8)
        whole[: part.shape[0], : part.shape[1]] = part
        part = whole
    return np.ascontiguousarray(part)


def converted(pixels: np.ndarray, alpha: Alpha, gain: float) -> np.ndarray:
    """A straight picture, uint8 [h, w, 4], as a far end takes it, its colours multiplied with `gain`. The same array if
    that changes nothing."""
    solid = alpha == "straight" or int(pixels[..., 3].min(initial=255)) == 255
    if solid and gain >= 1:
        return pixels
    result = pixels.copy()
    colours = result[..., :3]
    if not solid:
        product = colours * pixels[..., 3:].astype(np.uint16)
        colours[:] = (product + 127) // 255
    if gain < 1:
        table = np.round(np.arange(256) * max(gain, 0.0)).astype(np.uint8)
        colours[:] = table[colours]
    if alpha == "opaque":
        result[..., 3] = 255
    return result
