"""The node `flip`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ganzfeld.patch.node import Input, Node, RenderContext, Toggle


class FlipNode(Node):
    """Mirror a picture left to right (`x`), top to bottom (`y`), or both."""

    word = "flip"
    examples = ("other = flip(face, x={False, True}, y=True)",)

    image = Input("image", "The picture to mirror.")
    x = Toggle(False, "Left becomes right.")
    y = Toggle(False, "Top becomes bottom.")

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        axes = [axis for axis, on in ((3, context.parameters.x), (2, context.parameters.y)) if on]
        return inputs["image"].flip(axes) if axes else inputs["image"]
