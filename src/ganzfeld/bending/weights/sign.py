"""The weight bend `sign`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Sign(WeightBend):
    """Go from the weight towards its signs alone, at the same deviation."""

    amounts = {
        "sign": Amount(0, "0 is the weight, 1 its signs.", range=(0, 1)),
    }
    jumps = True
    cuda = "x + sign * (sign_of(x) * deviation - x)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return torch.lerp(x, x.sign() * place.deviation, amounts["sign"])
