"""The node `out`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ganzfeld.kernels.dither import dither_start
from ganzfeld.kernels.resize import FILTERS, FITS, fit_into
from ganzfeld.kernels.rgba import to_rgba8
from ganzfeld.patch.costs import Cost
from ganzfeld.patch.node import (
    Choice,
    ImageRequest,
    Input,
    Named,
    Node,
    PrepareContext,
    RenderContext,
    Request,
    Structure,
    Toggle,
)

LARGEST_SIDE = 16384
BYTES_OUT = 32
"""Bytes for each pixel that leaves: the picture, and the memory through which other processes see it."""


def _size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = (value, value) if isinstance(value, int) else tuple(value)
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"a size is (width, height) in whole pixels, up to {LARGEST_SIDE}")
    return sides


def _fps(value: Any) -> float:
    if not isinstance(value, int | float) or not 1 <= value <= 1000:
        raise ValueError("frames per second, from 1 to 1000")
    return float(value)


class OutNode(Node):
    """Send a picture to the outputs. It may stand several times, with different nodes, sizes and names.

    Without a size, the output has the size of the picture itself.
    """

    word = "out"
    makes = ()
    is_output = True
    examples = (
        'out(face, size=(64, 36), fit={"fit", "fill", "stretch"})',
        'out(image("picture.png"), size=(48, 64))',
        "out(face, size=(64, 64), dither=True)",
    )

    image = Input("image", "The picture to send out, as in out(face).")
    size = Structure(None, "(width, height) in pixels.", check=_size)
    fps = Structure(60.0, "Frames per second.", check=_fps)
    fit = Choice("fit", "How the picture takes the frame: whole, filling it, or stretched to it.", options=FITS)
    filter = Choice("cubic", "How pixels are made larger or smaller.", options=FILTERS)
    name = Structure(None, "The output's own name, where there are several.")
    dither = Toggle(False, "Hides the steps of eight bits in dark glows (LED walls show them) in fine noise.")

    @classmethod
    def cost(cls, structure: Named) -> Cost:
        width, height = structure.size or (0, 0)
        return Cost(pixels=width * height, held=BYTES_OUT * width * height, outs=1)

    def picture_size(self, structure: Named) -> tuple[int, int] | None:
        return structure.size

    def requests(self, parameters: Named, request: Request) -> dict[str, Request]:
        return {"image": ImageRequest(*(parameters.size or (None, None)))}

    def prepare(self, context: PrepareContext) -> None:
        if context.parameters.dither:
            context.stage("dither", np.array(dither_start(context.moment.frame), np.int64))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        p, image = context.parameters, inputs["image"]
        width, height = p.size or (image.shape[3], image.shape[2])
        dither = context.staged.dither if p.dither else None
        return to_rgba8(fit_into(image, width, height, p.fit, p.filter), dither)
