"""How a network's pictures and activations are shown: what `network.show` and `sheet` have in common."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ganzfeld.kernels.colour_map import DIVERGING, MAPS, mapped
from ganzfeld.kernels.layer_view import NORMALISATIONS, VIEWS, chosen_channels, chosen_spectrum, lit
from ganzfeld.kernels.rgba import opaque
from ganzfeld.patch.node import Choice, Declares, HostValue, Named, Toggle, Value


class Looking(Declares):
    """The parameters. A node that declares them stages the value of `channel` as an int64."""

    view = Choice("rgb", "Three neighbouring channels as colours, one, their mean, or all in a grid.", options=VIEWS)
    channel = HostValue(0, "The first channel shown.", range=(0, 511), limits=(0, 1e6))
    normalise = Choice(
        "running",
        "Brightness from the last seconds' statistics, this frame's, or fixed.",
        options=NORMALISATIONS,
    )
    gain = Value(1, "Contrast.", range=(0, 4), limits=(-1000, 1000))
    map = Choice("none", "A colour map, which shows one channel (the first of rgb); coolwarm and fireice have zero in "
                 "their middle.", options=MAPS)  # fmt: skip
    spectrum = Toggle(False, "The spatial frequencies instead, their power in decades, the slowest in the middle.")


def seen(x: Tensor, look: Named, channel: Tensor, name: str, state: Callable[..., Tensor]) -> Tensor:
    """Activations [1, C, h, w] as a picture [1, 4, H, W].

    look: the values of `Looking`. name: of these activations among all that use this `state`, for their statistics.
    """
    # Each thing shown has statistics of its own, so that switching between them does not flash.
    choose, kind = (chosen_spectrum, "spectrum") if look.spectrum else (chosen_channels, "statistics")
    channels = choose(x, look.view, channel)
    if look.map != "none":
        channels = channels[:, :1]
    signed = look.map in DIVERGING and not look.spectrum
    light = lit(channels, look.normalise, look.gain, state(f"{kind} {name}", (3,)), signed=signed)
    return opaque(mapped(light, look.map))
