"""The activation bend `shuffle`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class ShuffleActivation(ActivationBend):
    """Go from the channels in their order towards a seeded other order."""

    amounts = {
        "shuffle": Amount(0, "0 is as they are, 1 is shuffled.", range=(0, 1)),
    }
    examples = (*on_layers("shuffle", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"shuffle": Taste(LAYERS, (0.4, 0.8), often=0.7, share=True)}
    uses_order = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.index_select(1, context.order()), amounts["shuffle"])
