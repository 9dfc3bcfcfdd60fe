"""The weight bend `scale`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, WeightBend
from ganzfeld.bending.examples import COLOURS, START, STYLE_BIASES, STYLES, Taste, on_weights


class ScaleWeight(WeightBend):
    """Multiply. On a convolution's weight this does nothing, nor on a share of its output channels: the network divides
    it out again (demodulation). Use `gain` there; or scale a share of its input channels, a bias, a style affine, the
    constant or a torgb.
    """

    amounts = {
        "scale": Amount(1, "Multiplies the weight.", range=(-2, 3)),
    }
    divided_out = True
    examples = (on_weights("scale", STYLES, (-0.5, 0.3, 0.7, 1.5, 2.2)),)
    taste = {"scale": Taste((STYLE_BIASES, START, COLOURS), (0.3, 0.7), often=3)}
    cuda = "x * scale"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return x * amounts["scale"]
