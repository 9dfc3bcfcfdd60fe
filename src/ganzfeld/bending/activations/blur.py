"""The activation bend `blur`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.blur import gaussian_blur


class Blur(ActivationBend):
    """Blur with a Gaussian."""

    amounts = {
        "blur": Amount(
            0, "Its radius (standard deviation), as a fraction of the height.", range=(0, 0.1), limits=(0, 0.25)
        ),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return gaussian_blur(x, amounts["blur"])
