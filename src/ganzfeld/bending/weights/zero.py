"""The weight bend `zero`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, Taste, on_weights


class ZeroWeight(WeightBend):
    """Fade to zero."""

    amounts = {
        "zero": Amount(0, "0 is the weight, 1 is nothing.", range=(0, 1)),
    }
    divided_out = True
    examples = (on_weights("zero", CONVOLUTIONS, (0.2, 0.4, 0.6, 0.8, 1), ", inputs=0.5"),)
    # Demodulation divides a fading output channel back up, until it is gone; inputs fade.
    taste = {"zero": Taste((CONVOLUTION_WEIGHTS,), (0.6, 1), often=0.7, share=True, of="inputs")}
    cuda = "x * (1 - zero)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return x * (1 - amounts["zero"])
