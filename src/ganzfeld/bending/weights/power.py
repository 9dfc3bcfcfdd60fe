"""The weight bend `power`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, STYLE_BIASES, Taste, on_weights


class PowerWeight(WeightBend):
    """Raise to a power, keeping signs: above 1 the large grow and the small vanish, below 1 all become alike."""

    amounts = {
        "power": Amount(1, "The exponent; 1 changes nothing.", range=(0.2, 4), limits=(0, 16)),
    }
    examples = (on_weights("power", CONVOLUTIONS, (0.3, 0.6, 1.4, 2, 3)),)
    taste = {"power": Taste((CONVOLUTION_WEIGHTS, STYLE_BIASES), (0.5, 0.8), often=0.5)}
    cuda = "power == 1 ? x : fminf(fmaxf(sign_of(x) * powf(fabsf(x) / deviation, power) * deviation, -1e6f), 1e6f)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        unit = context.deviation
        bent = x.sign() * (x.abs() / unit).pow(amounts["power"]) * unit
        return torch.where(amounts["power"] == 1, x, bent.clamp(-1e6, 1e6))
