"""The activation bend `flip_y`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers


class FlipYActivation(ActivationBend):
    """Go towards the mirror image: top and bottom change places."""

    amounts = {
        "flip_y": Amount(0, "0 is as it is, 1 is mirrored.", range=(0, 1)),
    }
    examples = (*on_layers("flip_y", (0.25, 0.5, 0.75, 1), ", channels=0.5"),)
    taste = {"flip_y": Taste(LAYERS, (0.6, 1), share=True)}

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return torch.lerp(x, x.flip(2), amounts["flip_y"])
