"""The activation bend `flip_x`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class FlipXActivation(ActivationBend):
    """Go towards the mirror image: left and right change places."""

    amounts = {
        "flip_x": Amount(0, "0 is as it is, 1 is mirrored.", range=(0, 1)),
    }
    examples = (*on_layers("flip_x", (0.25, 0.5, 0.75, 1), ", channels=0.5"),)
    taste = {"flip_x": Taste(LAYERS, (0.6, 1), share=True)}

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.flip(3), amounts["flip_x"])
