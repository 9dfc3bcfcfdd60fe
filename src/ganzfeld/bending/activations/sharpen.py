"""The activation bend `sharpen`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LOCAL, Taste, on_layers
from ganzfeld.kernels.sharpen import sharpen


class SharpenActivation(ActivationBend):
    """Strengthen what a small blur would take away."""

    amounts = {
        "sharpen": Amount(0, "How much.", range=(0, 4), limits=(-100, 100), compared=4),
    }
    wants_detail = True
    examples = (*on_layers("sharpen", (0.5, 1, 2, 4, 8)),)
    taste = {"sharpen": Taste(LOCAL, (1.5, 4), often=1.5)}
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return sharpen(x, amounts["sharpen"], context.mask)
