"""The weight bend `roll`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, START, Taste, on_weights


class RollWeight(WeightBend):
    """Move output channels round by this many; a fraction mixes two neighbours."""

    amounts = {
        "roll": Amount(0, "How many channels.", range=(-16, 16)),
    }
    examples = (on_weights("roll", "b4.const", (0.5, 1, 2, 4, 8)),)
    taste = {"roll": Taste((START, CONVOLUTION_WEIGHTS), (1, 4), often=0.5, share=True)}
    once = {"whole": "floorf(roll)", "share": "roll - whole"}
    cuda = "(1 - share) * row.around(o - (int)whole) + share * row.around(o - (int)whole - 1)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        whole = amounts["roll"].floor()
        share = amounts["roll"] - whole
        sources = torch.arange(len(x), device=x.device) - whole.long().flatten()
        first, second = x.index_select(0, sources % len(x)), x.index_select(0, (sources - 1) % len(x))
        return torch.lerp(first, second, share)
