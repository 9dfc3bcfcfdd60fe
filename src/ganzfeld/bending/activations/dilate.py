"""The activation bend `dilate`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place


class Dilate(ActivationBend):
    """Go towards the brightest of each 3×3 neighbourhood."""

    amounts = {
        "dilate": Amount(0, "0 is as it is, 1 is dilated.", range=(0, 1)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, F.max_pool2d(x, 3, 1, 1), amounts["dilate"])
