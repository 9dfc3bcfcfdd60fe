"""The weight bend `shuffle`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, START, Taste, on_weights


class ShuffleWeight(WeightBend):
    """Go from the output channels in their order towards a seeded other order."""

    amounts = {
        "shuffle": Amount(0, "0 is as they are, 1 is shuffled.", range=(0, 1)),
    }
    examples = (on_weights("shuffle", "b16.conv1.weight", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"shuffle": Taste((CONVOLUTION_WEIGHTS, START), (0.5, 0.9), often=0.7, share=True)}
    uses_order = True
    cuda = "x + shuffle * (row((int)order[o]) - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.index_select(0, context.order()), amounts["shuffle"])
