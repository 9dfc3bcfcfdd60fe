"""The activation bend `invert`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.scaling import multiplied


class Invert(ActivationBend):
    """Go towards the negative."""

    amounts = {
        "invert": Amount(0, "0 is as it is, 1 is the negative.", range=(0, 1)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return multiplied(x, 1 - 2 * amounts["invert"])
