"""The weight bend `clamp`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, Taste, on_weights


class ClampWeight(WeightBend):
    """Cut off everything further from zero than this many of the weight's own deviations."""

    amounts = {
        "clamp": Amount(1000, "Where to cut, in the weight's own standard deviations.", range=(0, 4), limits=(0, 1e4)),
    }
    examples = (on_weights("clamp", CONVOLUTIONS, (3, 2, 1, 0.5, 0.2)),)
    taste = {"clamp": Taste((CONVOLUTION_WEIGHTS,), (3, 3.6), often=0.5)}
    cuda = "fminf(fmaxf(x, -clamp * deviation), clamp * deviation)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        limit = amounts["clamp"] * context.deviation
        return x.clamp(-limit, limit)
