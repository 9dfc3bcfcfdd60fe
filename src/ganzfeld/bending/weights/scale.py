"""The weight bend `scale`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Scale(WeightBend):
    """Multiply. On a convolution's weight this does nothing, nor on a share of its output channels: the network divides
    it out again (demodulation). Use `gain` there; or scale a share of its input channels, a bias, a style affine, the
    constant or a torgb.
    """

    amounts = {
        "scale": Amount(1, "Multiplies the weight.", range=(-2, 3)),
    }
    cuda = "x * scale"

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return x * amounts["scale"]
