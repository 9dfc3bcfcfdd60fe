"""The weight bend `power`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Power(WeightBend):
    """Raise to a power, keeping signs: above 1 the large grow and the small vanish, below 1 all become alike."""

    amounts = {
        "power": Amount(1, "The exponent; 1 changes nothing.", range=(0.2, 4), limits=(0, 16)),
    }
    cuda = "power == 1 ? x : fminf(fmaxf(sign_of(x) * powf(fabsf(x) / deviation, power) * deviation, -1e6f), 1e6f)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        unit = place.deviation
        bent = x.sign() * (x.abs() / unit).pow(amounts["power"]) * unit
        return torch.where(amounts["power"] == 1, x, bent.clamp(-1e6, 1e6))
