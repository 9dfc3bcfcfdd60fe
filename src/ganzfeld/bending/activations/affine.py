"""The activation bends `x`, `y`, `rotate` and `scale`: one affine map."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.affine import affine


class Affine(ActivationBend):
    """Move, turn and zoom what the layer sees, in one go. `x` and `y` are fractions of the picture's height."""

    amounts = {
        "x": Amount(0, "To the right.", range=(-1, 1)),
        "y": Amount(0, "Up.", range=(-1, 1)),
        "rotate": Amount(0, "Anticlockwise.", range=(-180, 180), limits=(-1e12, 1e12), unit="degrees", period=360),
        "scale": Amount(1, "Zoom: 2 shows twice as large.", range=(0.25, 4), limits=(-100, 100)),
    }
    fused = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return affine(x, amounts["x"], amounts["y"], amounts["rotate"], amounts["scale"])
