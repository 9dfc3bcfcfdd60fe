"""A card that is the host's memory, behind the stand-in for the driver: what a render shares on, without a card."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import torch

from fake_cuda import FakeCuda
from ganzfeld.outputs.shared.ganzfeld_cuda import Driver
from ganzfeld.process.torch_card import DriverCard, lay_out, shape_of


class HostCard(DriverCard):
    """Copies when they are waited for, as a card may."""

    def __init__(self, cuda: FakeCuda) -> None:
        super().__init__(0, Driver(cuda))

    def copy(self, picture, address: int, layout) -> Callable[[], None]:
        height, width, _ = shape = shape_of(torch.as_tensor(picture), layout[0])
        memory = (ctypes.c_ubyte * (4 * height * width)).from_address(address)
        into = torch.frombuffer(memory, dtype=torch.uint8).reshape(shape)
        return lambda: lay_out(torch.as_tensor(picture), into, *layout)
