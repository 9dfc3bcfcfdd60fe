"""The node `mix`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F

from ganzfeld.kernels.composite import BLENDS, composited, crossfaded, wipe
from ganzfeld.kernels.resize import FITS, fit_into, resize
from ganzfeld.patch.node import Choice, Input, Node, RenderContext, Value


class MixNode(Node):
    """Two pictures in one, at the size of the first.

    "mix" fades from `a` to `b`, "wipe" moves a border between them from left to right; the other modes lay `b` over
    `a`, as strongly as `amount` says and as `b` is opaque.
    """

    word = "mix"
    examples = (
        'other = mix(face, bloom, amount=0.7, mode={"mix", "over", "add", "subtract", "multiply", '
        '"screen", "overlay", "difference", "lighten", "darken", "wipe"})',
        'other = mix(face, image("picture.png"), amount=0.4)',
    )

    a = Input("image", "The first picture, below.")
    b = Input("image", "The second, above; it is fitted to the size of the first.")
    amount = Value(0.5, "0 is a alone; 1 is b, or b's whole effect.", limits=(0, 1))
    mode = Choice("mix", "How they meet.", options=("mix", *BLENDS, "wipe"))
    fit = Choice("fill", "How b takes a's frame: whole, filling it, or stretched to it.", options=FITS)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        p, a = context.parameters, inputs["a"]
        height, width = a.shape[2:]
        b = _fitted(inputs["b"], width, height, p.fit)
        if p.mode == "mix":
            return crossfaded(a, b, p.amount)
        if p.mode == "wipe":
            return crossfaded(a, b, wipe(width, p.amount))
        return composited(a, b, p.mode, p.amount)


def _fitted(image: torch.Tensor, width: int, height: int, fit: str) -> torch.Tensor:
    h, w = image.shape[2:]
    if fit != "fit" or w * height == h * width:
        return fit_into(image, width, height, fit)
    # Unlike on an output, what a picture leaves free is transparent here, so that the other one shows.
    scale = min(width / w, height / h)
    inner = resize(image, max(1, round(w * scale)), max(1, round(h * scale)))
    left, top = (width - inner.shape[3]) // 2, (height - inner.shape[2]) // 2
    return F.pad(inner, (left, width - inner.shape[3] - left, top, height - inner.shape[2] - top))
