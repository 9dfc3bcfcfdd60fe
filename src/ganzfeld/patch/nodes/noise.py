"""The node `noise`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from ganzfeld.kernels.noise import NOISE_TYPES, latent_noise, noise, noise_coefficients
from ganzfeld.patch.node import (
    Choice,
    HostValue,
    ImageRequest,
    Latent,
    LatentRequest,
    Node,
    PrepareContext,
    RenderContext,
    Seed,
    Structure,
    Toggle,
    Value,
)

MOST_HARMONICS = 8
PICTURE_SIZE = 512

_SHIFT: dict[str, Any] = {"range": (-4.0, 4.0), "limits": (-1e15, 1e15)}
_TURN: dict[str, Any] = {"range": (-180.0, 180.0), "limits": (-1e9, 1e9), "unit": "degrees"}


def _harmonics(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= 16:
        raise ValueError("a whole number from 0 to 16")
    return value


class NoiseNode(Node):
    """Moving noise in the vocabulary of TouchDesigner's Noise TOP: as a latent of the size that each reader asks for,
    and as a picture.

    A latent is a slice one pixel wide through the noise field, so neighbouring numbers are related: the walk is
    smooth, and its look differs from Gaussian latents. Move `tx` (with `phase(0.1)`, say) to walk.
    """

    word = "noise"
    bytes_per_pixel = 420
    makes = ("latent", "image")
    examples = (
        "shown = noise(tx=t, ty=0.3, rz=20, harmonics=2.5, most_harmonics=3, mono=False, exponent=1.2)",
        'played = network("planets", latent=noise({"simplex2d", "simplex3d", "simplex4d", "perlin2d", '
        '"perlin3d", "perlin4d", "random"}, tx=t), psi=0.8)',
    )

    type = Choice("simplex2d", "The noise field; the last of its dimensions is the slowest.", options=NOISE_TYPES)
    seed = Seed(1, "Each number, and each word, is another field.")
    period = HostValue(1, "Size of the largest features, in quarters of the picture's longer side.", range=(0.05, 8))
    harmonics = Value(2, "Finer layers over the first; a fraction fades one in.", range=(0, 8), limits=(0, 16))
    most_harmonics = Structure(MOST_HARMONICS, "The largest `harmonics` that can be played.", check=_harmonics)
    spread = HostValue(2, "How much finer each harmonic is than the one before.", range=(1, 4), limits=(-64, 64))
    gain = Value(0.7, "Strength of each harmonic, relative to the one before.", range=(0, 1), limits=(-16, 16))
    exponent = Value(
        1, "Bends the values away from the middle (above 1) or towards it.", range=(0.1, 4), limits=(0, 32)
    )
    amplitude = Value(0.5, "Strength of the noise.", range=(0, 2))
    offset = Value(math.nan, "Added to the noise. Left out, it is 0.5 for a picture and 0 for a latent.", range=(-1, 1))
    mono = Toggle(True, "One field for all colours; off, each colour has its own.")
    tx = HostValue(0, "Moves the field along x, in lattice cells.", **_SHIFT)
    ty = HostValue(0, "Moves the field along y, in lattice cells.", **_SHIFT)
    tz = HostValue(0, "Moves the field along z, in lattice cells (3-D and 4-D).", **_SHIFT)
    t4d = HostValue(0, "Moves the field along the fourth axis, in lattice cells (4-D).", **_SHIFT)
    rx = HostValue(0, "Turns the field about x.", **_TURN)
    ry = HostValue(0, "Turns the field about y.", **_TURN)
    rz = HostValue(0, "Turns the field about z.", **_TURN)
    sx = HostValue(1, "Scales the field along x.", range=(0, 4), limits=(-1e6, 1e6))
    sy = HostValue(1, "Scales the field along y.", range=(0, 4), limits=(-1e6, 1e6))
    sz = HostValue(1, "Scales the field along z.", range=(0, 4), limits=(-1e6, 1e6))
    px = HostValue(0, "Moves the pivot of turns and scales along x.", range=(-2, 2))
    py = HostValue(0, "Moves the pivot of turns and scales along y.", range=(-2, 2))
    pz = HostValue(0, "Moves the pivot of turns and scales along z.", range=(-2, 2))

    def prepare(self, context: PrepareContext) -> None:
        p = context.parameters
        channels = 1 if p.mono or isinstance(context.request, LatentRequest) else 3
        coefficients = noise_coefficients(
            p.type,
            max_harmonics=p.most_harmonics,
            channels=channels,
            seed=p.seed,
            period=p.period,
            spread=p.spread,
            translate=(p.tx, p.ty, p.tz),
            translate4d=p.t4d,
            rotate=(p.rx, p.ry, p.rz),
            scale=(p.sx, p.sy, p.sz),
            pivot=(p.px, p.py, p.pz),
        )
        context.stage("coefficients", coefficients)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor | Latent:
        p, request = context.parameters, context.request
        middle = 0.5 if isinstance(request, ImageRequest) else 0.0
        shape = {
            "harmonics": p.harmonics,
            "gain": p.gain,
            "amplitude": p.amplitude,
            "offset": torch.nan_to_num(p.offset, nan=middle),
            "exponent": p.exponent,
        }
        if isinstance(request, LatentRequest):
            return Latent(latent_noise(context.staged.coefficients, p.type, request.dim, **shape))
        width, height = request.width or PICTURE_SIZE, request.height or PICTURE_SIZE
        picture = noise(context.staged.coefficients, p.type, width, height, **shape)
        return torch.cat([picture.expand(3, -1, -1), torch.ones_like(picture[:1])])[None]
