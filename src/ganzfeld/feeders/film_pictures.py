"""A decoded frame as a picture: upright, square pixels, one size for the whole film, sRGB, straight alpha."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.feeders.film_colours import SCALING_THREADS, FilmColours

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

LARGEST_PICTURE = 8192 * 4320
"""Pixels; what is larger is shrunk when it is decoded."""
UNSPECIFIED = 2
"""FFmpeg's number for a colour space that a file does not name."""


def reduced_size(width: int, height: int) -> tuple[int, int]:
    """A size of the same shape that has at most `LARGEST_PICTURE` pixels."""
    scale = min(1.0, (LARGEST_PICTURE / (width * height)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))


class FilmPictures:
    """Makes pictures of a film's frames. size: (width, height) of all of them, that of the first."""

    def __init__(self, first: VideoFrame, aspect: Fraction | None) -> None:
        self._aspect = aspect if aspect and aspect != 1 else None
        self._colours = FilmColours()
        self._coded = first.width, first.height
        self._turns = round(first.rotation / 90) % 4
        width, height = self._square(first)
        self.size = (height, width) if self._turns % 2 else (width, height)

    def _square(self, frame: VideoFrame) -> tuple[int, int]:
        width = max(1, round(frame.width * self._aspect)) if self._aspect else frame.width
        return reduced_size(width, frame.height)

    def rgba(self, frame: VideoFrame) -> np.ndarray:
        """uint8 [H, W, 4]. A frame of another size than the first is fitted into that, with black around it."""
        size = self._square(frame)
        turns = round(frame.rotation / 90) % 4
        array = self._converted(frame, size)
        if turns:
            array = np.ascontiguousarray(np.rot90(array, turns))
        width, height = self.size
        if array.shape[:2] == (height, width):
            return array
        return self._fitted(array)

    def _fitted(self, array: np.ndarray) -> np.ndarray:
        from av import VideoFrame as Frame

        width, height = self.size
        scale = min(width / array.shape[1], height / array.shape[0])
        across, down = max(1, round(array.shape[1] * scale)), max(1, round(array.shape[0] * scale))
        small = (
            Frame.from_ndarray(array, "rgba").reformat(width=across, height=down, threads=SCALING_THREADS).to_ndarray()
        )
        fitted = np.zeros((height, width, 4), np.uint8)
        fitted[..., 3] = 255
        left, top = (width - across) // 2, (height - down) // 2
        fitted[top : top + down, left : left + across] = small
        return fitted

    def _converted(self, frame: VideoFrame, size: tuple[int, int]) -> np.ndarray:
        from av.video.reformatter import ColorRange, Colorspace

        options: dict[str, Any] = {"format": "rgba", "dst_color_range": ColorRange.JPEG}
        if not frame.format.is_rgb and frame.colorspace == UNSPECIFIED:
            # What every player assumes of a file that does not say.
            options["src_colorspace"] = Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601
        if size != (frame.width, frame.height):
            options["width"], options["height"] = size
        look = self._colours.look_of(frame)
        if look is not None:
            return look.picture(frame, options)
        return frame.reformat(**options, threads=SCALING_THREADS).to_ndarray()
