"""What other programs write into shared memory under a public name, as pictures or as numbers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LiveFeeder, filling_rgba
from ganzfeld.values.frame_slots import SharedFrame
from ganzfeld.values.frames import Board, FrameReader
from ganzfeld.values.liveness import is_alive

PREFIX = "gz-"
OUTPUT = "picture"
MOST_NUMBERS = 1 << 16
LOOK_SECONDS = 0.25
"""How long a picture is waited for before the writer is looked after."""


class SharedFeeder(LiveFeeder):
    """The ring of another program. numbers: None for pictures, uint8 [height, width, 4]; else how many numbers of its
    first channel are wanted, row by row from the top, float32 [numbers]: floats as they are, integers from -1 to 1; if
    there are fewer, they are repeated."""

    limits = Limits("shared", memory=1 << 29, patience=20.0, children=8)

    def __init__(self, path: Path, *, name: str, width: int = 1, height: int = 1, numbers: int | None = None) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", name):
            raise FeederError(f"'{name[:60]}' is no name for shared memory", hint="Up to 16 letters, digits, - and _")
        if numbers is not None and not 0 < numbers <= MOST_NUMBERS:
            raise FeederError(f"{numbers} numbers cannot be read from shared memory")
        self._name, self._width, self._height, self._numbers = name, width, height, numbers
        self._stamp = 0
        if numbers is None:
            super().__init__((height, width, 4))
        else:
            super().__init__((numbers,), "float32")

    def watch(self) -> None:
        try:
            self._watch()
        except MemoryError:
            what = f"The pictures shared as '{self._name}' are too large to be read"
            raise FeederError(what, hint="Have the other program share smaller ones") from None

    def _watch(self) -> None:
        hint = f"Another program shares it: ganzfeld_ring.Writer('{self._name}')"
        try:
            board = Board(PREFIX + self._name)
        except FileNotFoundError:
            raise FeederError(f"Nothing is shared as '{self._name}'", hint=hint) from None
        try:
            reader = FrameReader(PREFIX + self._name, OUTPUT)
        except FileNotFoundError:
            board.close()
            raise FeederError(f"'{self._name}' is shared no more", hint=hint) from None
        try:
            last = 0
            while self.goes_on:
                frame = reader.wait(last, LOOK_SECONDS)
                if frame is not None:
                    last = frame.number
                    if frame.stamp != self._stamp:
                        self._stamp = frame.stamp
                        self.arrived(self._array(frame))
                        continue
                if board.words[0] == 0:
                    raise FeederError(f"'{self._name}' is shared no more", hint=hint)
                if not is_alive(board.writer):
                    raise FeederError(f"The program that shared '{self._name}' has ended", hint=hint)
        finally:
            reader.close()
            board.close()

    def _array(self, frame: SharedFrame) -> np.ndarray:
        if self._numbers is None:
            return filling_rgba(as_rgba(frame), self._width, self._height)
        return np.resize(as_numbers(frame), self._numbers)


def as_numbers(frame: SharedFrame) -> np.ndarray:
    """The first channel row by row, float32; what is not finite is 0."""
    values = frame.pixels[..., 0].reshape(-1)[:MOST_NUMBERS]
    numbers = values.astype(np.float32)
    if values.dtype.kind == "u":
        numbers = numbers * (2 / np.iinfo(values.dtype).max) - 1
    return np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)


def as_rgba(frame: SharedFrame) -> np.ndarray:
    """A picture of any format as uint8 [h, w, 4], sRGB-encoded, straight alpha."""
    pixels, form = frame.pixels, frame.format
    if form.dtype == "uint8" and form.channels == 4 and form.alpha == "straight" and form.colour != "linear":
        return pixels
    most = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    values = np.clip(np.nan_to_num(pixels.astype(np.float32) / most), 0, 1)
    grey = form.channels < 3
    colours = np.repeat(values[..., :1], 3, -1) if grey else values[..., :3]
    has_alpha = form.channels in (2, 4) and form.alpha != "opaque"
    alpha = values[..., -1:] if has_alpha else np.ones_like(values[..., :1])
    if form.alpha == "premultiplied" and has_alpha:
        colours = np.clip(colours / np.maximum(alpha, 1 / 65535), 0, 1)
    if form.colour == "linear":
        colours = np.where(colours <= 0.0031308, 12.92 * colours, 1.055 * colours ** (1 / 2.4) - 0.055)
    return np.rint(np.concatenate([colours, alpha], -1) * 255).astype(np.uint8)
