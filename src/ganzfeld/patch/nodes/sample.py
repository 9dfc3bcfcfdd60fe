"""The node `sample`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzfeld.kernels.reading import PATHS, read_along, standardised
from ganzfeld.patch.node import (
    Choice,
    ImageRequest,
    Input,
    Latent,
    LatentRequest,
    Named,
    Node,
    RenderContext,
    Request,
    Toggle,
    Value,
)

READ_SIZE = 256
"""Pixels along a side that are asked of a source that can choose: plenty for a latent's some hundred numbers."""


class SampleNode(Node):
    """A picture read as a latent: how bright it is along a path, at as many places as the reader's latent has numbers.

    So a film, a camera or another network's picture can lead a network through its space.
    """

    word = "sample"
    makes = ("latent",)
    examples = (
        'shown = sample(face, path={"scan", "rows", "columns", "circle"})',
        'shown = sample(image("picture.png"), normalise=False)',
    )

    image = Input("image", "The picture to read.")
    path = Choice(
        "scan",
        "The whole picture line by line to and fro, its rows' or its columns' means, or a circle about its middle.",
        options=PATHS,
    )
    amplitude = Value(1, "Strength of the numbers.", range=(0, 2))
    offset = Value(0, "Added to the numbers.", range=(-1, 1))
    radius = Value(0.35, "The circle's.", range=(0, 0.5), limits=(0, 100), unit="heights")
    normalise = Toggle(True, "Mean 0 and deviation 1, as networks are trained for; off, brightness as it is, −1 to 1.")

    def requests(self, parameters: Named, request: Request) -> dict[str, Request]:
        return {"image": ImageRequest(READ_SIZE, READ_SIZE)}

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> Latent:
        p, request = context.parameters, context.request
        assert isinstance(request, LatentRequest)
        row = read_along(inputs["image"], p.path, request.dim, p.radius)
        row = standardised(row) if p.normalise else row * 2 - 1
        return Latent((row * p.amplitude + p.offset)[None])
