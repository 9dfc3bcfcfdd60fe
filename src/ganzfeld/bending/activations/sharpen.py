"""The activation bend `sharpen`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.sharpen import sharpen


class Sharpen(ActivationBend):
    """Strengthen what a small blur would take away."""

    amounts = {
        "sharpen": Amount(0, "How much.", range=(0, 4), limits=(-100, 100)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return sharpen(x, amounts["sharpen"])
