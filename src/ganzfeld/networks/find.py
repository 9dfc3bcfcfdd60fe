"""Networks by name: those that ship with Ganzfeld."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "shipped"


def shipped_names() -> list[str]:
    """The names of the networks that ship with Ganzfeld."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def locate(name: str | os.PathLike[str]) -> Path:
    """The file that a word on a command line or in a program means: a path, or else a shipped network's name."""
    path = Path(name)
    return path if path.exists() else find_network(str(path)) or path


def find_network(name: str) -> Path | None:
    """The file of a shipped network, or None if `name` is not one (then it is a path)."""
    return FOLDER / f"{name}.safetensors" if name in shipped_names() else None
