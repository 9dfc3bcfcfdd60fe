"""The blend mode `swap`."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.bending.base import BlendMode
from ganzfeld.bending.examples import Example


class SwapBlend(BlendMode):
    """One network's weight or the other's, whichever the amount is nearer to."""

    word = "swap"
    doc = "one or the other"
    cuda = "amount > 0.5f ? other : x"
    examples = (
        Example(
            "blend-swap",
            'face.blend("flowers", {}, mode="swap", amount=1)',
            ("b4*", "b8*", "b16*", "b32*", "b64*"),
        ),
    )

    def apply(self, x: Tensor, other: Tensor, amount: Tensor, out: Tensor | None) -> Tensor:
        return torch.where(amount > 0.5, other, x, out=out)
