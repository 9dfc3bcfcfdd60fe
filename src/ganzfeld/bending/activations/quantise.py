"""The activation bend `quantise`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place


class Quantise(ActivationBend):
    """Round to steps."""

    amounts = {
        "quantise": Amount(0, "The size of a step; 0 is none.", range=(0, 4), limits=(0, 1e4)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        step = amounts["quantise"].clamp(min=1e-6)
        return torch.where(amounts["quantise"] > 0, (x / step).round() * step, x)
