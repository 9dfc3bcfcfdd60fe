"""The activation bend `dilate`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.morphology import dilate


class DilateActivation(ActivationBend):
    """Go towards the brightest of each 3×3 neighbourhood."""

    amounts = {
        "dilate": Amount(0, "0 is as it is, 1 is dilated.", range=(0, 1), compared=1),
    }
    examples = (*on_layers("dilate", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"dilate": Taste(LAYERS, (0.5, 1), often=1.5)}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return dilate(x, amounts["dilate"], context.mask)
