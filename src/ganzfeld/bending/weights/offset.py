"""The weight bend `offset`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Offset(WeightBend):
    """Add a number, in units of the weight's own deviation."""

    amounts = {
        "offset": Amount(0, "Added to the weight, in its own standard deviations.", range=(-2, 2)),
    }
    cuda = "x + offset * deviation"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return x + amounts["offset"] * place.deviation
