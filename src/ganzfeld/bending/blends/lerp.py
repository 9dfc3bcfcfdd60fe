"""The blend mode `lerp`."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.bending.base import BlendMode
from ganzfeld.bending.examples import Example


class LerpBlend(BlendMode):
    """From one network's weight to the other's, in a straight line."""

    word = "lerp"
    doc = "from one to the other"
    cuda = "amount < 0.5f ? x + amount * (other - x) : other - (1 - amount) * (other - x)"
    linear = True
    examples = (
        Example("blend-all", 'face.blend("flowers", "*", amount={})', (-0.5, 0.25, 0.5, 0.75, 1, 1.5)),
        *(
            Example(
                f"blend-{layers.rstrip('.*')}", f'face.blend("flowers", "{layers}", amount={{}})', (-1, 0.5, 1, 1.5, 2)
            )
            for layers in ("mapping.*", "b4*", "b8*", "b16*", "b32*", "b64*")
        ),
    )

    def apply(self, x: Tensor, other: Tensor, amount: Tensor, out: Tensor | None) -> Tensor:
        return torch.lerp(x, other, amount, out=out)
