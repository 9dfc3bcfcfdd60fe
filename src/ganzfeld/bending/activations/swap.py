"""The activation bend `swap`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place


class Swap(ActivationBend):
    """Go towards the channels in reverse: the first and the last change places, and so on."""

    amounts = {
        "swap": Amount(0, "0 is as they are, 1 is reversed.", range=(0, 1)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, x.flip(1), amounts["swap"])
