"""The activation bend `blur`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LOCAL, Taste, on_layers
from ganzfeld.kernels.blur import gaussian_blur


class BlurActivation(ActivationBend):
    """Blur with a Gaussian."""

    amounts = {
        "blur": Amount(
            0, "Its radius (standard deviation), as a fraction of the height.", range=(0, 0.1), limits=(0, 0.25)
        ),
    }
    examples = (*on_layers("blur", (0.01, 0.02, 0.04, 0.07, 0.1)),)
    taste = {"blur": Taste(LOCAL, (0.03, 0.07), often=0.8)}
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return gaussian_blur(x, amounts["blur"])
