"""The activation bend `threshold`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class ThresholdActivation(ActivationBend):
    """Keep only what is further from zero than this."""

    amounts = {
        "threshold": Amount(0, "What is smaller becomes 0.", range=(0, 4), limits=(0, 1e4)),
    }
    jumps = True
    examples = (*on_layers("threshold", (0.1, 0.3, 0.6, 1, 2)),)
    taste = {"threshold": Taste(LAYERS, (0.2, 0.8))}

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return x * (x.abs() >= amounts["threshold"])
