"""Spout, Syphon and a virtual camera by strict fakes: nobody has run these on such a machine yet."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

import fakes
from far_ends import FarEnd


class _Fake(FarEnd):
    file = "wall"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._undo = ExitStack()
        self._undo.enter_context(fakes.installed(self.type, folder))

    @property
    def route(self) -> str:
        return f"{self.type}:{self.file}"

    def newest(self) -> np.ndarray | None:
        path = self.folder / f"{self.file}.npy"
        return np.load(path) if path.exists() else None

    def close(self) -> None:
        self._undo.close()


class FakeSpout(_Fake):
    type = "spout"


class FakeSyphon(_Fake):
    type = "syphon"


class FakeCamera(_Fake):
    type = "camera"
    has_alpha = False
    scales = True
    file = "camera"

    @property
    def route(self) -> str:
        return "camera:/dev/video9"
