"""The blend mode `add`."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.bending.base import BlendMode
from ganzfeld.bending.examples import Example


class AddBlend(BlendMode):
    """The other network's weight, times the amount, on top of this one's."""

    word = "add"
    doc = "the other added"
    cuda = "x + amount * other"
    compared = (0.1, -0.1)  # it adds filters, too
    examples = (
        Example("blend-add", 'face.blend("flowers", "b16*", mode="add", amount={})', (-0.5, -0.25, 0.25, 0.5, 1)),
    )

    def apply(self, x: Tensor, other: Tensor, amount: Tensor, out: Tensor | None) -> Tensor:
        return torch.addcmul(x, other, amount, out=out)
