"""The activation bend `erode`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.morphology import erode


class Erode(ActivationBend):
    """Go towards the darkest of each 3×3 neighbourhood."""

    amounts = {
        "erode": Amount(0, "0 is as it is, 1 is eroded.", range=(0, 1)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return erode(x, amounts["erode"])
