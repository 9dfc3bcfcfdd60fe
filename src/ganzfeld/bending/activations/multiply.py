"""The activation bend `multiply`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.scaling import multiplied


class Multiply(ActivationBend):
    """Multiply."""

    amounts = {
        "multiply": Amount(1, "Multiplies the activation.", range=(-2, 4)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return multiplied(x, amounts["multiply"])
