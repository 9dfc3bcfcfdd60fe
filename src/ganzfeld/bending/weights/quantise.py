"""The weight bend `quantise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, Taste, on_weights


class QuantiseWeight(WeightBend):
    """Round to steps, in units of the weight's own deviation."""

    amounts = {
        "quantise": Amount(0, "The size of a step, in standard deviations; 0 is none.", range=(0, 3), limits=(0, 1e4)),
    }
    examples = (on_weights("quantise", CONVOLUTIONS, (0.5, 1, 1.5, 2, 3)),)
    taste = {"quantise": Taste((CONVOLUTION_WEIGHTS,), (1.2, 2.5), often=0.7)}
    once = {"step": "fmaxf(quantise * deviation, 1e-12f)"}
    jumps = True
    cuda = "quantise > 0 ? rintf(x / step) * step : x"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        step = (amounts["quantise"] * context.deviation).clamp(min=1e-12)
        return torch.where(amounts["quantise"] > 0, (x / step).round() * step, x)
