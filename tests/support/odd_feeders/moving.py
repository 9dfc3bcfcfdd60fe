"""A source that sends by itself, and does what stands in a file (`says`).

"red": sends red pictures, "count": pictures whose first number counts, "gone": says that it is not there, "die": ends
its process.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LiveFeeder


class MovingFeeder(LiveFeeder):
    limits = Limits("moving", patience=20.0)

    def __init__(self, path: Path, *, says: str, width: int, height: int, **rest: object) -> None:
        self._says = Path(says)
        self._shape = height, width, 4
        super().__init__(self._shape)

    def watch(self) -> None:
        count = 0
        while self.goes_on:
            match self._says.read_text():
                case "gone":
                    raise FeederError("The lamp is gone", hint="Bring it back")
                case "die":
                    os._exit(3)
                case "red":
                    picture = np.full(self._shape, (255, 0, 0, 255), np.uint8)
                case _:
                    count += 1
                    picture = np.full(self._shape, (count % 256, 7, 7, 255), np.uint8)
            self.arrived(picture)
            self.wait(0.01)
