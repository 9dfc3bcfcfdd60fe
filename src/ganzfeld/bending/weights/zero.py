"""The weight bend `zero`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Zero(WeightBend):
    """Fade to zero."""

    amounts = {
        "zero": Amount(0, "0 is the weight, 1 is nothing.", range=(0, 1)),
    }
    cuda = "x * (1 - zero)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return x * (1 - amounts["zero"])
