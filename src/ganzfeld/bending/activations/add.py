"""The activation bend `add`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LOCAL, Taste, on_layers
from ganzfeld.kernels.scaling import added


class AddActivation(ActivationBend):
    """Add a number."""

    amounts = {
        "add": Amount(0, "Added to the activation.", range=(-2, 2)),
    }
    examples = (*on_layers("add", (-0.5, -0.2, 0.2, 0.5, 1), ", channels=0.5"),)
    taste = {"add": Taste(LOCAL, (0.2, 0.6), share=True)}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return added(x, amounts["add"], context.mask)
