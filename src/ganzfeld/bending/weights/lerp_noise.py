"""The weight bend `lerp_noise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class LerpNoise(WeightBend):
    """Go from the weight towards seeded noise of the same deviation."""

    amounts = {
        "lerp_noise": Amount(0, "0 is the weight, 1 is noise.", range=(-1, 2)),
    }
    uses_noise = True
    cuda = "x + lerp_noise * (noise - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, place.noise(), amounts["lerp_noise"])
