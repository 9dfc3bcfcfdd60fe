"""The activation bend `sobel`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.edges import sobel


class Sobel(ActivationBend):
    """Go towards the edges: the length of the gradient (Sobel and Feldman 1968)."""

    amounts = {
        "sobel": Amount(0, "0 is as it is, 1 is edges.", range=(0, 1)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return sobel(x, amounts["sobel"])
