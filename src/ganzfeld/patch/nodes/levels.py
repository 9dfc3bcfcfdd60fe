"""The node `levels`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ganzfeld.kernels.colour import levelled
from ganzfeld.patch.node import Input, Node, RenderContext, Value


class LevelsNode(Node):
    """Change a picture's colours: invert, then hue, saturation, contrast, brightness, gamma, in this order."""

    word = "levels"
    examples = (
        "other = levels(face, brightness={0.3, 0.6, 1.5, 3})",
        "other = levels(face, contrast={-1, 0.5, 1.5, 3})",
        "other = levels(face, gamma={0.4, 0.7, 1.5, 3})",
        "other = levels(face, hue={-120, -60, 60, 120})",
        "other = levels(face, saturation={0, 0.5, 2, 3})",
        "other = levels(face, invert={0.2, 0.4, 0.7, 1})",
        "other = levels(face, brightness=1.2, contrast=1.3, gamma=0.8, hue=40, saturation=1.5, invert=0.3)",
    )

    image = Input("image", "The picture to change.")
    brightness = Value(1, "Multiplies the light.", range=(0, 3))
    contrast = Value(1, "Stretches about middle grey; 0 is grey, below it a negative.", range=(0, 3))
    gamma = Value(1, "Above 1 lifts the dark parts, below 1 deepens them.", range=(0.2, 5), limits=(0.05, 20))
    hue = Value(0, "Turns the colours: red to yellow, to green.", range=(-180, 180), limits=(-1e15, 1e15),
                unit="degrees", period=360)  # fmt: skip
    saturation = Value(1, "Strength of the colours; 0 is grey.", range=(0, 3))
    invert = Value(0, "1 is the negative; between, a mixture.", limits=(0, 1))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        p = context.parameters
        return levelled(
            inputs["image"],
            invert=p.invert,
            hue=p.hue,
            saturation=p.saturation,
            contrast=p.contrast,
            brightness=p.brightness,
            gamma=p.gamma,
        )
