"""Films whose frames carry their number, as black and white bars that every codec keeps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, BARS = 64, 48, 8


def number_picture(number: int) -> np.ndarray:
    """uint8 [H, W, 3]; bar b is white if bit b is set."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bar in range(BARS):
        picture[8:40, bar * 8 : bar * 8 + 8] = 255 * (number >> bar & 1)
    return picture


def read_number(picture: np.ndarray) -> int:
    """The number in a picture [H, W, 3 or 4]."""
    return sum(1 << bar for bar in range(BARS) if picture[20:28, bar * 8 + 3 : bar * 8 + 5, 0].mean() > 128)


def write_film(
    path: Path,
    count: int = 40,
    *,
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    **options: Any,
) -> Path:
    """Frames 0, 1, 2, … in the container that the suffix names."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        stream.options = {name: str(value) for name, value in options.items()}
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(number_picture(number), "rgb24")))
        container.mux(stream.encode(None))
    return path
