"""Shared memory, read by the one-file module that other programs get."""

from __future__ import annotations

import importlib.util
import secrets
from pathlib import Path

import numpy as np

import ganzfeld.outputs.shared
from door_stage import shared_blocks
from far_ends import FarEnd


def one_file_module():
    """`ganzfeld_ring.py`, loaded as a host does: from its file, and not as a part of Ganzfeld."""
    path = Path(ganzfeld.outputs.shared.__file__).with_name("ganzfeld_ring.py")
    spec = importlib.util.spec_from_file_location("ganzfeld_ring", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class SharedMemory(FarEnd):
    type = "shared"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"t{secrets.token_hex(4)}"
        self._reader = one_file_module().Reader(self.name)

    @property
    def route(self) -> str:
        return f"shared:{self.name}"

    def newest(self) -> np.ndarray | None:
        picture = self._reader.latest()
        return None if picture is None else picture.pixels

    def leftovers(self) -> list[str]:
        return shared_blocks(f"gz-{self.name}")

    def close(self) -> None:
        self._reader.close()
