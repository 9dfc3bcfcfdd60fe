"""The weight bend `add_noise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class AddNoise(WeightBend):
    """Add seeded noise, in units of the weight's own deviation."""

    amounts = {
        "add_noise": Amount(0, "Strength of the noise, in the weight's own standard deviations.", range=(-2, 2)),
    }
    uses_noise = True
    cuda = "x + add_noise * noise"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.addcmul(x, place.noise(), amounts["add_noise"])
