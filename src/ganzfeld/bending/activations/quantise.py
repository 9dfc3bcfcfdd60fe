"""The activation bend `quantise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class QuantiseActivation(ActivationBend):
    """Round to steps."""

    amounts = {
        "quantise": Amount(0, "The size of a step; 0 is none.", range=(0, 4), limits=(0, 1e4)),
    }
    jumps = True
    examples = (*on_layers("quantise", (0.2, 0.5, 1, 1.5, 2.5)),)
    taste = {"quantise": Taste(LAYERS, (0.5, 1.8))}

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        step = amounts["quantise"].clamp(min=1e-6)
        return torch.where(amounts["quantise"] > 0, (x / step).round() * step, x)
