"""The weight bend `sign`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, Taste, on_weights


class SignWeight(WeightBend):
    """Go from the weight towards its signs alone, at the same deviation."""

    amounts = {
        "sign": Amount(0, "0 is the weight, 1 its signs.", range=(0, 1)),
    }
    examples = (on_weights("sign", CONVOLUTIONS, (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"sign": Taste((CONVOLUTION_WEIGHTS,), (0.6, 1), often=0.5)}
    jumps = True
    cuda = "x + sign * (sign_of(x) * deviation - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.sign() * context.deviation, amounts["sign"])
