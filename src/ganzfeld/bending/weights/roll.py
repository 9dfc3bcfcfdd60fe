"""The weight bend `roll`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Roll(WeightBend):
    """Move output channels round by this many; a fraction mixes two neighbours."""

    amounts = {
        "roll": Amount(0, "How many channels.", range=(-16, 16)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        channels = torch.arange(len(x), device=x.device)
        whole = amounts["roll"].floor()
        share = amounts["roll"] - whole
        first = x.index_select(0, (channels - whole.long()) % len(x))
        second = x.index_select(0, (channels - whole.long() - 1) % len(x))
        return torch.lerp(first, second, share)
