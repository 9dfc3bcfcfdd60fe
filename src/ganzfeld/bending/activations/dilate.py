"""The activation bend `dilate`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.morphology import dilate


class Dilate(ActivationBend):
    """Go towards the brightest of each 3×3 neighbourhood."""

    amounts = {
        "dilate": Amount(0, "0 is as it is, 1 is dilated.", range=(0, 1)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return dilate(x, amounts["dilate"])
