"""The weight bend `swap`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Swap(WeightBend):
    """Go towards the output channels in reverse order."""

    amounts = {
        "swap": Amount(0, "0 is as they are, 1 is reversed.", range=(0, 1)),
    }
    cuda = "x + swap * (row(outputs - 1 - o) - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, x.flip(0), amounts["swap"])
