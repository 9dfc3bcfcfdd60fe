"""The weight bend `swap`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, START, Taste, on_weights


class SwapWeight(WeightBend):
    """Go towards the output channels in reverse order."""

    amounts = {
        "swap": Amount(0, "0 is as they are, 1 is reversed.", range=(0, 1)),
    }
    examples = (on_weights("swap", "b8.conv0.weight", (0.2, 0.4, 0.6, 0.8, 1)),)
    taste = {"swap": Taste((CONVOLUTION_WEIGHTS, START), (0.4, 0.7), often=0.5, share=True)}
    cuda = "x + swap * (row(outputs - 1 - o) - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.flip(0), amounts["swap"])
