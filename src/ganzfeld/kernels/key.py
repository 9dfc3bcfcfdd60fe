"""Make a picture transparent where it is dark, where it has a colour, or where another picture says so.

A measure of each pixel becomes its alpha along a ramp (`ramp`); the ramp's alpha may be eroded or grown (`choked`), and
multiplies the alpha that the picture has. The measures are 0 where a pixel is to go and 1 where it is to stay.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzfeld.kernels.alpha import BRIGHTEST, tamed
from ganzfeld.kernels.colour import LUMA, luma
from ganzfeld.kernels.morphology import erode

WIDEST_CHOKE = 0.05
"""Heights of the picture by which a matte is eroded or grown at most."""
SHARPEST = 1e-3
"""The narrowest ramp, so that a softness of 0 divides by something."""
DARKEST = 0.25
"""Colours darker than this are measured as if they were as bright: in the dark, colour is noise."""


def ramp(measure: Tensor, threshold: Tensor, softness: Tensor) -> Tensor:
    """0 up to `threshold`, 1 from `threshold + softness` on, straight between. Both are 0-d."""
    return ((measure - threshold) / softness.clamp_min(SHARPEST)).clamp(0, 1)


def brightest_channel(image: Tensor) -> Tensor:
    """[N, 3 or more, H, W] -> [N, 1, H, W], held to 0..1."""
    return image[:, :3].amax(1, keepdim=True).clamp(0, 1)


def without_black(image: Tensor, alpha: Tensor) -> Tensor:
    """The colours [N, 3, H, W] that, at this alpha [N, 1, H, W] over black, look like the picture: they are divided by
    alpha, but never beyond the brightest that they can be. What is black stays so."""
    colour = image[:, :3].clamp(0, BRIGHTEST)
    return colour / torch.maximum(alpha, brightest_channel(image)).clamp_min(1e-5)


def chroma(image: Tensor) -> Tensor:
    """[N, 3 or more, H, W] -> [N, 2, H, W]: where its colours lie in BT.709's Cb, Cr plane; grey is (0, 0)."""
    y = luma(image)
    return torch.cat([(image[:, 2:3] - y) / 1.8556, (image[:, :1] - y) / 1.5748], 1)


def distance_from_colour(image: Tensor, key: Tensor) -> Tensor:
    """How far colours are from a key colour: 0 is that colour, in light and in shadow; grey has 1.

    key: [2], the `chroma` of the key colour at its full brightness; not (0, 0).
    """
    light = brightest_channel(image).clamp_min(DARKEST)
    away = chroma(image.clamp(0, 1)) / light - key.view(1, 2, 1, 1)
    return away.square().sum(1, keepdim=True).sqrt() / key.square().sum().sqrt().clamp_min(1e-3)


def without_spill(image: Tensor, key: Tensor, amount: Tensor) -> Tensor:
    """[N, 3, H, W]: the picture's colours without the light that a screen of the key colour threw on them.

    What points to the key colour by more than to either side of it (45 degrees in the plane of colours) is taken back
    to there, as far as `amount` (0-d, 0..1) says; how bright it looks stays.
    """
    towards = key / key.square().sum().sqrt().clamp_min(1e-3)
    plane, y = chroma(image), luma(image)
    along = plane[:, :1] * towards[0] + plane[:, 1:] * towards[1]
    across = (plane[:, 1:] * towards[0] - plane[:, :1] * towards[1]).abs()
    spill = (along - across).clamp_min(0) * amount.clamp(0, 1)
    blue, red = plane[:, :1] - spill * towards[0], plane[:, 1:] - spill * towards[1]
    r, b = y + 1.5748 * red, y + 1.8556 * blue
    g = (y - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return torch.cat([r, g, b], 1).clamp(0, BRIGHTEST)


def choked(matte: Tensor, amount: Tensor) -> Tensor:
    """A matte [N, 1, H, W] eroded (amount above 0) or grown (below), by so many heights of the picture (0-d), up to
    `WIDEST_CHOKE`.

    Each step takes the least of a pixel and of two others as far left and right (above and below) as steps before
    reached without a gap, so a few steps reach far, and how far is a number on the device.
    """
    height = matte.shape[2]
    pixels = amount.clamp(-WIDEST_CHOKE, WIDEST_CHOKE).abs() * height
    sign = torch.where(amount < 0, -1.0, 1.0)
    matte = matte * sign
    whole = pixels.floor()
    for dim in (2, 3):
        size = matte.shape[dim]
        place = torch.arange(size, device=matte.device)
        reached, most = torch.zeros_like(whole), 0
        while most < math.floor(WIDEST_CHOKE * height):
            step = torch.minimum(whole - reached, 2 * reached + 1)
            reached, most = reached + step, 3 * most + 1
            far = step.long()
            before, after = (place - far).clamp_min(0), (place + far).clamp_max(size - 1)
            sides = torch.minimum(matte.index_select(dim, before), matte.index_select(dim, after))
            matte = torch.minimum(matte, sides)
    return erode(matte, pixels - whole) * sign


def with_alpha(image: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    """The picture with other colours [N, 3, H, W], its alpha multiplied with this one [N, 1, H, W]."""
    return tamed(torch.cat([colour, image[:, 3:].clamp(0, 1) * alpha], 1))
