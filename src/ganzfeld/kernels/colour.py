"""Brightness, contrast, gamma, hue and saturation of sRGB-encoded pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.kernels.alpha import BRIGHTEST, tamed

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue (ITU-R BT.709)."""


def luma(image: Tensor) -> Tensor:
    """[N, 3 or more, H, W] -> [N, 1, H, W]: how bright it looks."""
    return image[:, :1] * LUMA[0] + image[:, 1:2] * LUMA[1] + image[:, 2:3] * LUMA[2]


def recoloured(image: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """[N, 4, H, W] with its colours turned by `hue` degrees (0-d; red goes to yellow, then to green) and strengthened
    by `saturation`; how bright it looks stays. This is what a vectorscope shows turning (BT.709's Cb, Cr plane)."""
    y = luma(image)
    blue, red = (image[:, 2:3] - y) / 1.8556, (image[:, :1] - y) / 1.5748
    angle = torch.deg2rad(hue)
    cos, sin = saturation * angle.cos(), saturation * angle.sin()
    blue, red = blue * cos - red * sin, blue * sin + red * cos
    r, b = y + 1.5748 * red, y + 1.8556 * blue
    g = (y - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return torch.cat([r, g, b, image[:, 3:]], 1)


def levelled(
    image: Tensor,
    *,
    invert: Tensor,
    hue: Tensor,
    saturation: Tensor,
    contrast: Tensor,
    brightness: Tensor,
    gamma: Tensor,
) -> Tensor:
    """[N, 4, H, W] with its colours changed, in the order of the arguments; alpha stays. All amounts are 0-d.

    Neutral: invert 0, hue 0, the others 1. `contrast` stretches about middle grey, `brightness` multiplies, `gamma`
    above 1 lifts the dark parts (the exponent is 1 / gamma).
    """
    image = tamed(image)
    colour, alpha = image[:, :3], image[:, 3:]
    colour = torch.lerp(colour, 1 - colour, invert)
    image = tamed(recoloured(torch.cat([colour, alpha], 1), hue, saturation))
    colour = ((image[:, :3] - 0.5) * contrast + 0.5) * brightness
    # A negative light has no power; what is brighter than white has one.
    colour = colour.clamp(0, BRIGHTEST).pow(1 / gamma.clamp_min(1e-2))
    return tamed(torch.cat([colour, image[:, 3:]], 1))
