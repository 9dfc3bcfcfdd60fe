"""The node `transform`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ganzfeld.kernels.placement import OUTSIDE, placed, placement
from ganzfeld.patch.node import Choice, Input, Node, RenderContext, Toggle, Value


class TransformNode(Node):
    """Move, turn and zoom a picture.

    It is zoomed and turned about its pivot, then moved. Lengths are in heights of the picture, so that a patch looks
    the same at every size; x goes to the right, y up, angles anticlockwise.
    """

    word = "transform"
    examples = (
        'other = transform(face, x={-0.3, -0.1, 0.1, 0.3}, edge="mirror")',
        'other = transform(face, rotate={15, 45, 90, 180}, edge="mirror")',
        'other = transform(face, zoom={0.3, 0.6, 1.5, 3}, edge="mirror")',
        'other = transform(face, zoom=0.5, rotate=20, edge={"transparent", "black", "repeat", "mirror", "hold"})',
        "other = transform(face, y=0.2, rotate=10, zoom=0.3, pivot_x=0.2, smooth=True)",
    )

    image = Input("image", "The picture to move.")
    x = Value(0, "How far to the right.", range=(-1, 1), unit="heights")
    y = Value(0, "How far up.", range=(-1, 1), unit="heights")
    rotate = Value(0, "Turns it anticlockwise.", range=(-180, 180), limits=(-1e15, 1e15), unit="degrees",
                   period=360)  # fmt: skip
    zoom = Value(1, "How much larger.", range=(0.1, 4), limits=(1e-3, 1e3))
    pivot_x = Value(0, "The point it turns and zooms about, from the middle to the right.", range=(-1, 1),
                    unit="heights")  # fmt: skip
    pivot_y = Value(0, "The same, upwards.", range=(-1, 1), unit="heights")
    edge = Choice("transparent", "What lies outside the picture; hold repeats its last pixels.", options=OUTSIDE)
    smooth = Toggle(False, "Averages finely. Costs 16 times as much, and looks better below half the size.")

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        p = context.parameters
        place = placement(p.x, p.y, p.rotate, p.zoom, p.pivot_x, p.pivot_y)
        return placed(inputs["image"], place, p.edge, p.smooth)
