"""The weight bend `lerp_noise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, START, Taste, on_weights


class LerpNoiseWeight(WeightBend):
    """Go from the weight towards seeded noise of the same deviation."""

    amounts = {
        "lerp_noise": Amount(0, "0 is the weight, 1 is noise.", range=(-1, 2)),
    }
    examples = (on_weights("lerp_noise", CONVOLUTIONS, (0.1, 0.2, 0.3, 0.4, 0.6)),)
    taste = {"lerp_noise": Taste((CONVOLUTION_WEIGHTS, START), (0.3, 0.6), often=1.5)}
    uses_noise = True
    cuda = "x + lerp_noise * (noise - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, context.noise(), amounts["lerp_noise"])
