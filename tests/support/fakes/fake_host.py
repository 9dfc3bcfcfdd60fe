"""What the fakes share: pictures in a folder, and one thread for each object."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np


def folder(kind: str) -> Path:
    return Path(os.environ[f"GANZFELD_FAKE_{kind.upper()}"])


def keep(kind: str, name: str, pixels: np.ndarray) -> None:
    """A picture that was sent: [height, width, 4] as whoever receives it sees it."""
    part = folder(kind) / f".{name}-{os.getpid()}.npy"
    np.save(part, pixels)
    part.replace(folder(kind) / f"{name}.npy")


def sent(kind: str, name: str) -> tuple[int, np.ndarray] | None:
    """A picture that is to be received, and its number; None: nobody sends it."""
    path = folder(kind) / f"{name}.npy"
    try:
        return path.stat().st_mtime_ns, np.load(path)
    except (OSError, ValueError, EOFError):
        return None


class OneThread:
    """Refuses calls by other threads than the one that made it, and any after it was let go."""

    def __init__(self) -> None:
        self._thread, self._gone = threading.get_ident(), False

    def check(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("called from another thread")
        if self._gone:
            raise RuntimeError("used after it was let go")

    def let_go(self) -> None:
        self.check()
        self._gone = True


def exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
