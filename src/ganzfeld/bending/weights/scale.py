"""The weight bend `scale`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, Place, WeightBend


class Scale(WeightBend):
    """Multiply. On a whole StyleGAN2 convolution this does nothing: the network divides it out again (demodulation).

    Scale a share of its channels, a bias, a style affine, the constant or a torgb instead.
    """

    amounts = {
        "scale": Amount(1, "Multiplies the weight.", range=(-2, 3)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return x * amounts["scale"]
