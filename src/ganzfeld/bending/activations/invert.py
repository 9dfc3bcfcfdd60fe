"""The activation bend `invert`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.scaling import multiplied


class InvertActivation(ActivationBend):
    """Go towards the negative."""

    amounts = {
        "invert": Amount(0, "0 is as it is, 1 is the negative.", range=(0, 1)),
    }
    examples = (*on_layers("invert", (0.25, 0.5, 0.75, 1), ", channels=0.5"),)
    taste = {"invert": Taste(LAYERS, (0.4, 0.8), often=0.7, share=True)}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return multiplied(x, 1 - 2 * amounts["invert"], context.mask)
