"""The activation bend `erode`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.morphology import erode


class ErodeActivation(ActivationBend):
    """Go towards the darkest of each 3×3 neighbourhood."""

    amounts = {
        "erode": Amount(0, "0 is as it is, 1 is eroded.", range=(0, 1), compared=1),
    }
    examples = (*on_layers("erode", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"erode": Taste(LAYERS, (0.5, 1))}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return erode(x, amounts["erode"], context.mask)
