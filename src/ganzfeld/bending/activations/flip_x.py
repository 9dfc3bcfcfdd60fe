"""The activation bend `flip_x`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place


class FlipX(ActivationBend):
    """Go towards the mirror image: left and right change places."""

    amounts = {
        "flip_x": Amount(0, "0 is as it is, 1 is mirrored.", range=(0, 1)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, x.flip(3), amounts["flip_x"])
