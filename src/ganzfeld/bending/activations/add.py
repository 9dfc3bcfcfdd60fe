"""The activation bend `add`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.scaling import added


class Add(ActivationBend):
    """Add a number."""

    amounts = {
        "add": Amount(0, "Added to the activation.", range=(-2, 2)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return added(x, amounts["add"])
