"""The weight bend `clamp`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Clamp(WeightBend):
    """Cut off everything further from zero than this many of the weight's own deviations."""

    amounts = {
        "clamp": Amount(1000, "Where to cut, in the weight's own standard deviations.", range=(0, 4), limits=(0, 1e4)),
    }
    cuda = "fminf(fmaxf(x, -clamp * deviation), clamp * deviation)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        limit = amounts["clamp"] * place.deviation
        return x.clamp(-limit, limit)
