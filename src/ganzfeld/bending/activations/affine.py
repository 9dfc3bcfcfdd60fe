"""The activation bends `x`, `y`, `rotate` and `scale`: one affine map."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.affine import affine


class AffineActivation(ActivationBend):
    """Move, turn and zoom what the layer sees, in one go. `x` and `y` are fractions of the picture's height."""

    amounts = {
        "x": Amount(0, "To the right.", range=(-1, 1)),
        "y": Amount(0, "Up.", range=(-1, 1)),
        "rotate": Amount(0, "Anticlockwise.", range=(-180, 180), limits=(-1e12, 1e12), unit="degrees", period=360),
        "scale": Amount(1, "Zoom: 2 shows twice as large.", range=(0.25, 4), limits=(-100, 100)),
    }
    examples = (
        *on_layers("x", (-0.2, -0.1, 0.05, 0.1, 0.2)),
        *on_layers("y", (-0.2, -0.1, 0.05, 0.1, 0.2)),
        *on_layers("rotate", (10, 20, 45, 90, 180)),
        *on_layers("scale", (0.5, 0.75, 1.2, 1.5, 2)),
    )
    taste = {
        "x": Taste(LAYERS, (0.05, 0.2), often=0.8, more={"rotate": (4, 20)}),
        "rotate": Taste(LAYERS, (10, 60), often=2.5),
        "scale": Taste(LAYERS, (0.1, 0.4), often=2),
    }
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return affine(x, amounts["x"], amounts["y"], amounts["rotate"], amounts["scale"], context.mask)
