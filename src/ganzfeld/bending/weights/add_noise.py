"""The weight bend `add_noise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import BIASES, START, STYLE_BIASES, STYLES, Taste, on_weights


class AddNoiseWeight(WeightBend):
    """Add seeded noise, in units of the weight's own deviation."""

    amounts = {
        "add_noise": Amount(0, "Strength of the noise, in the weight's own standard deviations.", range=(-2, 2)),
    }
    examples = (on_weights("add_noise", STYLES, (0.3, 0.6, 1, 1.5, 2), ", seed=1"),)
    taste = {"add_noise": Taste((STYLE_BIASES, BIASES, START), (0.3, 0.8))}
    uses_noise = True
    cuda = "x + add_noise * noise"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.addcmul(x, context.noise(), amounts["add_noise"])
