"""The activation bend `ablate`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.scaling import multiplied


class AblateActivation(ActivationBend):
    """Fade to zero."""

    amounts = {
        "ablate": Amount(0, "0 is as it is, 1 is nothing.", range=(0, 1)),
    }
    examples = (*on_layers("ablate", (0.25, 0.5, 0.75, 1), ", channels=0.5"),)
    taste = {"ablate": Taste(LAYERS, (0.6, 1), often=0.7, share=True)}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return multiplied(x, 1 - amounts["ablate"], context.mask)
