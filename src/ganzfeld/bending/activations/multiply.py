"""The activation bend `multiply`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.scaling import multiplied


class MultiplyActivation(ActivationBend):
    """Multiply."""

    amounts = {
        "multiply": Amount(1, "Multiplies the activation.", range=(-2, 4)),
    }
    examples = (*on_layers("multiply", (-0.5, 0.3, 0.6, 1.5, 3)),)
    taste = {"multiply": Taste(LAYERS, (0.4, 1), often=2)}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return multiplied(x, amounts["multiply"], context.mask)
