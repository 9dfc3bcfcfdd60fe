"""A render that writes pictures on a card, as far as the driver's stand-in knows: without torch and an engine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fake_cuda import FakeCuda
from fake_engine import fake_dependencies
from ganzfeld.outputs.shared.ganzfeld_cuda import Driver
from ganzfeld.process.card_writer import CardWriter
from ganzfeld.process.dependencies import Dependencies
from ganzfeld.process.torch_card import DriverCard

PLAIN = ("RGBA", "straight", "top")


class PlainCard(DriverCard):
    """Copies bytes, now."""

    def copy(self, picture: np.ndarray, address: int, layout: Any) -> Callable[[], None]:
        ctypes.memmove(address, np.ascontiguousarray(picture).ctypes.data, picture.nbytes)
        return lambda: None


class Writer:
    """A process of its own for the driver. name: the public one."""

    def __init__(self, folder: Path, name: str, readers: int = 2) -> None:
        self.cuda = FakeCuda(folder)
        self.card = PlainCard(0, Driver(self.cuda))
        self.cards = CardWriter(f"gc-{name}", self.card, readers=readers)

    def write(self, picture: np.ndarray, kind=PLAIN, frame: int = 0) -> int | None:
        """Publish a picture, [height, width, 4], as it is; its number, None if readers hold every slot."""
        slot = self.cards.begin(picture.shape[1], picture.shape[0], kind)
        if slot is None:
            return None
        self.card.copy(picture, slot.address, None)()
        return slot.commit(frame=frame, t=frame / 60)


def noise(seed: int, height: int = 6, width: int = 5) -> np.ndarray:
    """uint8 [height, width, 4]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


def card_dependencies(folder: Path) -> Dependencies:
    """What a render process is made of: a fake engine, and a card that processes of this folder see."""
    made: list[PlainCard] = []

    def card(device: Any) -> PlainCard:
        if not made:
            made.append(PlainCard(0, Driver(FakeCuda(folder))))
        return made[0]

    return replace(fake_dependencies(), card=card)
