"""Colour maps: one number a pixel as a colour, so that equal steps of the number look like equal steps.

The maps are polynomials: a few multiplications on the device, no tables. Those of viridis, magma and inferno were
fitted to the well-known maps of those names (van der Walt and Smith 2015), off by at most 0.03. `coolwarm` was fitted
to two arcs in OKLab (Ottosson 2020), from white to a blue and to a red; `fireice` goes from black over red to white
above its middle, and over blue to white below it.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Red, green and blue by rising powers of a number from 0 to 1, or, for the diverging coolwarm, from −1 to 1.
_POLYNOMIALS = {
    "viridis": (
        (0.2767, -0.1331, 2.0596, -13.1165, 20.108, -5.8964, -2.3148),
        (0.0038, 1.4885, -0.7202, -2.0571, 7.3782, -7.9698, 2.7814),
        (0.3375, 0.9588, 5.0855, -40.4026, 97.0915, -101.1305, 38.1954),
    ),
    "magma": (
        (-0.0065, 0.5407, 5.4009, -16.1187, 31.0624, -32.6193, 12.7356),
        (0.0097, 0.6061, -3.7814, 16.509, -33.2414, 34.004, -13.1282),
        (-0.0026, 2.2531, 3.4429, -28.4899, 44.3863, -26.1873, 5.3635),
    ),
    "inferno": (
        (0.0078, -0.3745, 16.4187, -60.2348, 110.5603, -99.6308, 34.2356),
        (0.0015, 0.8234, -7.5123, 33.6923, -65.9023, 62.177, -22.2907),
        (-0.0132, 3.6215, -13.6925, 40.8423, -83.1941, 79.0904, -25.9824),
    ),
    "coolwarm": (
        (0.8914, 0.476, -0.7297, -0.1445, 0.3738, -0.0396, -0.1597),
        (0.8744, -0.1291, -1.3156, 0.0396, 1.2459, -0.0471, -0.6467),
        (0.8918, -0.4994, -0.6305, 0.082, 0.3066, 0.0776, -0.1538),
    ),
}
DIVERGING = ("coolwarm", "fireice")
"""Their middle is zero: for what may be positive or negative."""
MAPS = ("none", "viridis", "magma", "inferno", *DIVERGING)


def mapped(x: Tensor, name: str) -> Tensor:
    """x [1, C, H, W] in 0..1 (clamped), of which the first channel counts -> colours [1, 3, H, W] in 0..1.

    "none" leaves x as it is, three channels of it.
    """
    if name == "none":
        return x.expand(-1, 3, -1, -1)
    x = x[:, 0].clamp(0, 1)
    if name not in DIVERGING:
        return _colours(x, name)
    signed = x * 2 - 1
    if name == "coolwarm":
        return _colours(signed, name)
    away = signed.abs()
    fire = torch.stack([1 - (1 - away) ** 3, away**2, away**4], 1)
    return torch.where((signed < 0)[:, None], fire.flip(1), fire)


def _colours(x: Tensor, name: str) -> Tensor:
    channels = []
    for coefficients in _POLYNOMIALS[name]:
        channel = torch.full_like(x, coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            channel = channel * x + coefficient
        channels.append(channel)
    return torch.stack(channels, 1).clamp(0, 1)
