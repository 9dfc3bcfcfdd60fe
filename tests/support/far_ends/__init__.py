"""The other ends of doors, one kind a file, for the test that every kind of door passes.

A new kind of door needs a file here: a subclass of `FarEnd`, whose `type` is that of the kind.
"""

from __future__ import annotations

import abc
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import ClassVar

import numpy as np


class FarEnd(abc.ABC):
    """Looks at what a door shows. type: of the kind. tolerance: how far a number of 0 to 255 may be off. has_alpha:
    whether transparency arrives. scales: pictures arrive in a size of the far end's own. after_close: pictures can only
    be seen once the door is closed. Where the far end cannot be had, making it skips the test."""

    type: ClassVar[str]
    tolerance: ClassVar[int] = 0
    has_alpha: ClassVar[bool] = True
    scales: ClassVar[bool] = False
    after_close: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        """folder: its own, empty."""
        self.folder = folder

    @property
    @abc.abstractmethod
    def route(self) -> str:
        """How to open the door, as a person writes it."""

    @abc.abstractmethod
    def newest(self) -> np.ndarray | None:
        """The newest picture that came, uint8 [height, width, 4]; None: none so far."""

    def leftovers(self) -> list[str]:
        """What of the door is still there, once it was closed, that should be gone."""
        return []

    def close(self) -> None:  # noqa: B027 (most have nothing to let go of)
        """Let go."""


def far_ends() -> dict[str, type[FarEnd]]:
    """Every one, by its kind."""
    found: dict[str, type[FarEnd]] = {}
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(member, FarEnd) and not inspect.isabstract(member) and hasattr(member, "type"):
                found[member.type] = member
    return found
