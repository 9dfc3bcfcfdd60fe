"""The convolution bend `gain`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import Amount, BendContext, ConvolutionBend
from ganzfeld.bending.examples import OUTPUTS, Example, Taste


class GainConvolution(ConvolutionBend):
    """Multiply what a convolution puts out, after demodulation and before noise and bias: what `scale` on its weight
    cannot do. The target is a convolution's layer ("b64", "b64.conv0", "L6") or its weight. torgb and the input are not
    demodulated and have none: `scale` works there.
    """

    amounts = {
        "gain": Amount(1, "Multiplies the convolution's output.", range=(-2, 4), limits=(-1000, 1000), compared=1.2),
    }
    examples = (Example("convolution-gain", 'face.bend("b16", gain={})', (-1, 0.3, 0.6, 1.7, 3)),)
    taste = {"gain": Taste((OUTPUTS,), (0.4, 1), often=2)}

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        return x * amounts["gain"]
