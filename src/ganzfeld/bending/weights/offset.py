"""The weight bend `offset`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import BIASES, START, STYLE_BIASES, STYLES, Taste, on_weights


class OffsetWeight(WeightBend):
    """Add a number, in units of the weight's own deviation."""

    amounts = {
        "offset": Amount(0, "Added to the weight, in its own standard deviations.", range=(-2, 2), compared=0.05),
    }
    examples = (on_weights("offset", STYLES, (-0.6, -0.3, 0.2, 0.4, 0.8)),)
    taste = {"offset": Taste((STYLE_BIASES, BIASES, START), (0.2, 0.6), often=1.5)}
    cuda = "x + offset * deviation"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return x + amounts["offset"] * context.deviation
