"""The activation bend `sobel`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LOCAL, Taste, on_layers
from ganzfeld.kernels.edges import sobel


class SobelActivation(ActivationBend):
    """Go towards the edges: the length of the gradient (Sobel and Feldman 1968)."""

    amounts = {
        "sobel": Amount(0, "0 is as it is, 1 is edges.", range=(0, 1)),
    }
    examples = (*on_layers("sobel", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"sobel": Taste(LOCAL, (0.3, 0.9))}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return sobel(x, amounts["sobel"], context.mask)
