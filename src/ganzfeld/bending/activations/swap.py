"""The activation bend `swap`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class SwapActivation(ActivationBend):
    """Go towards the channels in reverse: the first and the last change places, and so on."""

    amounts = {
        "swap": Amount(0, "0 is as they are, 1 is reversed.", range=(0, 1)),
    }
    examples = (*on_layers("swap", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"swap": Taste(LAYERS, (0.4, 0.8), often=0.7, share=True)}

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.flip(1), amounts["swap"])
