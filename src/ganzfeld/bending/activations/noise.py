"""The activation bend `noise`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place


class Noise(ActivationBend):
    """Add seeded noise."""

    amounts = {
        "noise": Amount(0, "Its strength.", range=(0, 4)),
    }
    uses_noise = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return (x + amounts["noise"] * place.noise()).to(x.dtype)
