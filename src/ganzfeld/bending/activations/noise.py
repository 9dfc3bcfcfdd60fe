"""The activation bend `noise`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class NoiseActivation(ActivationBend):
    """Add seeded noise."""

    amounts = {
        "noise": Amount(0, "Its strength.", range=(0, 4)),
    }
    examples = (*on_layers("noise", (0.1, 0.2, 0.4, 0.7, 1)),)
    taste = {"noise": Taste(LAYERS, (0.2, 0.6), often=0.7)}
    uses_noise = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return (x + amounts["noise"] * context.noise()).to(x.dtype)
