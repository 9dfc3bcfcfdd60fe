"""A film, decoded again once it is closed."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from far_ends import FarEnd


class DecodedFilm(FarEnd):
    type = "film"
    tolerance = 4
    has_alpha = False
    after_close = True

    @property
    def path(self) -> Path:
        return self.folder / "film.mp4"

    @property
    def route(self) -> str:
        return f'film:"{self.path}"'

    def newest(self) -> np.ndarray | None:
        pictures = decoded(self.path)[0] if self.path.exists() else []
        return pictures[-1] if pictures else None


def decoded(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """A film's pictures, uint8 [height, width, 4], and their times in seconds."""
    pictures, times = [], []
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            said = {"format": "rgba", "src_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.JPEG}
            pictures.append(frame.reformat(**said).to_ndarray())
            times.append(frame.time)
    return pictures, times


def heard(path: Path) -> np.ndarray:
    """A film's sound, float32 [samples, 2], from its first picture on."""
    with av.open(str(path)) as film:
        stream = film.streams.audio[0]
        blocks = [frame.to_ndarray() for frame in film.decode(stream)]
    if blocks[0].dtype == np.int16:
        return np.concatenate([block.reshape(-1, 2) for block in blocks]).astype(np.float32) / 32768
    return np.concatenate(blocks, 1).T
