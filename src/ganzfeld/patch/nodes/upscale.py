"""The node `upscale`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganzfeld.errors import PatchError
from ganzfeld.kernels.alpha import tamed
from ganzfeld.kernels.lanczos import lanczos
from ganzfeld.patch.media.upscalers import Upscaler, open_upscaler
from ganzfeld.patch.node import ImageRequest, Input, Named, Node, RenderContext, Request, SetupContext, Structure

LARGEST_SIDE = 16384


def _factor(value: Any) -> float | None:
    if value is not None and (not isinstance(value, int | float) or not 1 <= value <= 16):
        raise ValueError("how many times larger: a number from 1 to 16")
    return value


def _model(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        raise ValueError('a file, as in upscale(face, model="4x.safetensors")')
    return value


class UpscaleNode(Node):
    """A larger picture: with Lanczos' filter, or with an upscaling network of your own.

    A network (ESRGAN, SPAN, SwinIR and whatever else spandrel reads, .pth or .safetensors) costs far more than most
    pictures it enlarges; the compact ones are meant for live use.
    """

    word = "upscale"
    examples = (
        'small = network("planets", latent=seeds([8]), psi=0.8, resolution=32)\n'
        "other = upscale(small, factor={1, 2, 4})",
    )

    image = Input("image", "The picture to enlarge.")
    factor = Structure(None, "How many times larger. Left out: 2, or what the model makes.", check=_factor)
    model = Structure(None, "An upscaling network's file; needs the package spandrel.", check=_model)

    def setup(self, context: SetupContext) -> None:
        self.path: Path | None = None
        self.network: Upscaler | None = None
        if context.structure["model"] is not None:
            self.path = context.resources.resolve(context.structure["model"])
            try:
                self.network = context.resources.open(
                    f"upscaler on {context.device}", self.path, lambda path: open_upscaler(path, context.device)
                )
            except PatchError as error:
                context.do_without(context.refuse(error.what, "model", error.hint))
        self.times: float = context.structure["factor"] or (self.network.scale if self.network else 2)

    def watched(self) -> tuple[Path, ...]:
        return (self.path,) if self.path else ()

    def requests(self, parameters: Named, request: Request) -> dict[str, Request]:
        if not isinstance(request, ImageRequest) or request.width is None or request.height is None:
            return {"image": ImageRequest()}
        small = (math.ceil(side / self.times) for side in (request.width, request.height))
        return {"image": ImageRequest(*small)}

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        image = inputs["image"]
        width, height = round(image.shape[3] * self.times), round(image.shape[2] * self.times)
        if max(width, height) > LARGEST_SIDE:
            raise PatchError(f"A picture of {width} × {height} is too large", hint=f"The limit is {LARGEST_SIDE}")
        if self.network is not None:
            image = tamed(self.network(image))
        return lanczos(image, width, height)
