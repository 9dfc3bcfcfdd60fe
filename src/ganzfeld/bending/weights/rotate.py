"""The weight bend `rotate`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import CONVOLUTION_WEIGHTS, CONVOLUTIONS, START, Taste, on_weights


class RotateWeight(WeightBend):
    """Turn neighbouring output channels into each other, pair by pair; at 90 degrees each takes the other's context."""

    amounts = {
        "rotate": Amount(0, "The angle.", range=(-180, 180), limits=(-1e12, 1e12), unit="degrees", period=360),
    }
    examples = (on_weights("rotate", CONVOLUTIONS, (10, 20, 30, 40, 60)),)
    taste = {"rotate": Taste((CONVOLUTION_WEIGHTS, START), (20, 60), often=2)}
    once = {"cosine": "cosf(rotate * 0.017453293f)", "sine": "sinf(rotate * 0.017453293f)"}
    cuda = "(o | 1) >= outputs ? x : cosine * x + (o & 1 ? sine : -sine) * row(o ^ 1)"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        pairs = len(x) // 2
        even, odd = x[: 2 * pairs : 2], x[1 : 2 * pairs : 2]
        angle = torch.deg2rad(amounts["rotate"])
        first, second = (angle[: 2 * pairs : 2], angle[1 : 2 * pairs : 2]) if angle.dim() else (angle, angle)
        turned = torch.stack([first.cos() * even - first.sin() * odd, second.sin() * even + second.cos() * odd], 1)
        return torch.cat([turned.flatten(0, 1), x[2 * pairs :]])
