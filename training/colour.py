"""Colours for the renderers: small palettes invented per picture, and a hue rotation."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor


@cache
def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """A tensor of these numbers, made once: a copy to the device would wait for everything before it."""
    return torch.tensor(values, device=device)


def uniform(count: int, low: float, high: float, device: torch.device) -> Tensor:
    """``count`` numbers between ``low`` and ``high``, one a picture: ``[count, 1, 1, 1]``."""
    return torch.empty(count, 1, 1, 1, device=device).uniform_(low, high)


def chance(count: int, probability: float, device: torch.device) -> Tensor:
    """1 for about ``probability`` of the pictures and 0 for the rest: ``[count, 1, 1, 1]``."""
    return (torch.rand(count, 1, 1, 1, device=device) < probability).float()


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The usual hexcone model; hue is in turns and wraps. Inputs broadcast; a last axis of 3 is added."""
    offsets = constant((5.0, 3.0, 1.0), hue.device)
    k = (offsets + hue.unsqueeze(-1) * 6) % 6
    ramp = torch.minimum(k, 4 - k).clamp(0, 1)
    return value.unsqueeze(-1) * (1 - saturation.unsqueeze(-1) * ramp)


def palettes(
    count: int, stops: int, device: torch.device, darkest: float = 0.1, pale: float = 0.65, play: float = 0.03
) -> Tensor:
    """``[count, stops, 3]``: colours from dark to light around one hue, a few hues, or a hue and its opposite.

    Dark stops are saturated and light ones paler, as in nature, so that a palette reads as one light on one matter.
    ``darkest``: the value of the first stop, 0..1; ``pale``: how much saturation the last stop has lost;
    ``play``: how far, in turns, each stop's hue strays by chance.
    """
    along = torch.linspace(0, 1, stops, device=device)
    base = torch.rand(count, 1, device=device)
    spreads = constant((0.06, 0.14, 0.28, 0.5), device)
    spread = spreads[torch.randint(4, (count, 1), device=device)] * torch.empty(count, 1, device=device).uniform_(-1, 1)
    hue = base + spread * along + torch.randn(count, stops, device=device) * play
    richness = torch.empty(count, 1, device=device).uniform_(0.45, 1.0)
    saturation = richness * (1 - pale * along**1.5) * torch.empty(count, stops, device=device).uniform_(0.85, 1.15)
    value = darkest + (1 - darkest) * along ** torch.empty(count, 1, device=device).uniform_(0.7, 1.2)
    return hsv_to_rgb(hue, saturation.clamp(0, 1), value)


def through_palette(amount: Tensor, palette: Tensor) -> Tensor:
    """Colours ``[n, 3, h, w]`` for ``amount`` ``[n, 1, h, w]`` (0..1) along ``palette`` ``[n, stops, 3]``."""
    stops = palette.shape[1]
    position = amount.clamp(0, 1) * (stops - 1)
    colour = torch.zeros((), device=amount.device)
    for stop in range(stops):
        weight = (1 - (position - stop).abs()).clamp(min=0)
        colour = colour + weight * palette[:, stop, :, None, None]
    return colour


YIQ = (0.299, 0.587, 0.114, 0.596, -0.274, -0.322, 0.211, -0.523, 0.312)
RGB = (1.0, 0.956, 0.621, 1.0, -0.272, -0.647, 1.0, -1.106, 1.703)


def rotate_hue(picture: Tensor, turns: Tensor, saturation: Tensor) -> Tensor:
    """``picture`` ``[n, 3, h, w]`` with its hue turned and its saturation scaled about its luma (a rotation in YIQ)."""
    to_yiq = constant(YIQ, picture.device).view(3, 3)
    from_yiq = constant(RGB, picture.device).view(3, 3)
    angle = turns.flatten() * (2 * torch.pi)
    scale = saturation.flatten()
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    turn = torch.zeros(len(angle), 3, 3, device=picture.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1], turn[:, 1, 2] = cosine, -sine
    turn[:, 2, 1], turn[:, 2, 2] = sine, cosine
    matrix = from_yiq @ turn @ to_yiq
    return torch.einsum("nij,njhw->nihw", matrix, picture)


def soft_shoulder(picture: Tensor) -> Tensor:
    """Light of any strength brought under 1: nearly linear in the dark, rolling off towards white."""
    bright = picture.clamp(min=0)
    return bright / (1 + bright**4) ** 0.25
