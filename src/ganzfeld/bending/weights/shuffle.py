"""The weight bend `shuffle`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Shuffle(WeightBend):
    """Go from the output channels in their order towards a seeded other order."""

    amounts = {
        "shuffle": Amount(0, "0 is as they are, 1 is shuffled.", range=(0, 1)),
    }
    uses_order = True
    cuda = "x + shuffle * (row((int)order[o]) - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, x.index_select(0, place.order()), amounts["shuffle"])
