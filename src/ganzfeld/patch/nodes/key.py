"""The node `key`."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ganzfeld.errors import PatchError
from ganzfeld.kernels import key
from ganzfeld.kernels.alpha import tamed
from ganzfeld.kernels.colour import LUMA, luma
from ganzfeld.kernels.resize import fit_into
from ganzfeld.patch.node import Choice, HostValue, Input, Node, PrepareContext, RenderContext, Value

GREYEST = 0.05
"""A key colour with less colour than this (radius in the Cb, Cr plane) is none."""
WAYS = ("luma", "dark", "chroma", "matte", "alpha")


class KeyNode(Node):
    """Make parts of a picture transparent, so that it can lie over another one: here in `mix`, or in another program.

    "luma" keeps what is bright. "dark" takes black out: a glow on black becomes a glow with alpha, its colours divided
    by it, and looks over black as it did before. "chroma" takes a colour out. Another picture in the place of `by` is
    the matte: as bright as it is (and as opaque), so opaque becomes the picture; `by="alpha", matte=other` takes its
    alpha alone. Each is a measure from 0 to 1, which becomes alpha between `threshold` and `threshold + softness`.
    """

    word = "key"
    examples = (
        'other = mix(bloom, key(face, by={"luma", "dark", "chroma"}, colour=310), amount=1, mode="over")',
        'other = mix(bloom, key(face, "dark", softness={0, 0.2, 0.5, 1}), amount=1, mode="over")',
        'other = mix(bloom, key(face, "luma", threshold=0.2, softness=0.1, choke={-0.03, -0.01, 0.01, 0.03}), '
        'amount=1, mode="over")',
        'other = mix(bloom, key(face, "chroma", colour={60, 180, 240, 310}, spill=1), amount=1, mode="over")',
        "other = key(face, by=bloom)",
        'other = key(face, by="alpha", matte=image("picture.png"))',
    )

    image = Input("image", "The picture to make transparent.")
    by = Choice("luma", "What decides: how bright it is, black, a colour, or another picture.", options=WAYS,
                instead="matte")  # fmt: skip
    threshold = Value(0, "The measure up to which it is transparent.", limits=(-1, 2))
    softness = Value(1, "How much more makes it opaque; 0 is a hard edge.", limits=(0, 2))
    choke = Value(0, "The edge goes inwards; below 0, outwards.", range=(-0.05, 0.05),
                  limits=(-key.WIDEST_CHOKE, key.WIDEST_CHOKE), unit="heights")  # fmt: skip
    colour = HostValue(120, "The colour for chroma: a hue (0 red, 120 green, 240 blue), or [red, green, blue] in 0..1.",
                       vector=True, range=(0, 360), limits=(-1e9, 1e9), unit="degrees")  # fmt: skip
    spill = Value(0.5, "How much of that colour's light is taken from what stays.", limits=(0, 1))
    matte = Input("image", "The other picture, for matte and alpha; it is fitted to the size of the first.",
                  required=False)  # fmt: skip

    def prepare(self, context: PrepareContext) -> None:
        context.stage("key", _chroma_of(context.parameters.colour))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        p, image = context.parameters, tamed(inputs["image"])
        colour = image[:, :3]
        match p.by:
            case "luma":
                measure = luma(image)
            case "dark":
                measure = key.brightest_channel(image)
            case "chroma":
                measure = key.distance_from_colour(image, context.staged.key)
                colour = key.without_spill(image, context.staged.key, p.spill)
            case _:
                if "matte" not in inputs:
                    hint = 'For example: key(face, by=other), or key(face, by="alpha", matte=other)'
                    raise PatchError(f"key by {p.by} needs a matte", hint=hint)
                matte = tamed(fit_into(inputs["matte"], image.shape[3], image.shape[2], "fill"))
                measure = matte[:, 3:].clamp(0, 1)
                if p.by == "matte":
                    measure = measure * luma(matte)
        alpha = key.ramp(measure, p.threshold, p.softness)
        if p.by == "dark":
            colour = key.without_black(image, alpha)
        return key.with_alpha(image, colour, key.choked(alpha, p.choke))


def _chroma_of(colour: Any) -> np.ndarray:
    """Where a key colour at its full brightness lies in the Cb, Cr plane, float32 [2]."""
    if not isinstance(colour, list | tuple):
        colour = colorsys.hsv_to_rgb(colour % 360 / 360, 1, 1)
    elif len(colour) != 3:
        raise PatchError(f"a key colour is a hue or [red, green, blue], not {len(colour)} numbers")
    rgb = np.clip(colour, 0, 1)
    y = float(rgb @ LUMA)
    plane = np.array([(rgb[2] - y) / 1.8556, (rgb[0] - y) / 1.5748]) / max(rgb.max(), 1e-6)
    if np.hypot(*plane) < GREYEST:
        raise PatchError("a grey has no colour to key by", hint='For what is dark or bright: by="dark", by="luma"')
    return plane.astype(np.float32)
