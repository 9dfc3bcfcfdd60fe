"""What frequencies a picture is made of."""

from __future__ import annotations

import torch
from torch import Tensor

QUIETEST = 1e-8
"""Power below this (−8 on the logarithm's scale) is as good as none."""


def power_spectrum(x: Tensor) -> Tensor:
    """x [N, C, h, w] -> the power of each frequency [N, C, h, w], float32, frequency zero in the middle.

    A Hann window keeps the borders, where a picture does not join itself, from drawing a cross over everything. White
    noise of deviation 1 has the power 1 everywhere.
    """
    h, w = x.shape[2:]
    rows = torch.hann_window(h, periodic=True, device=x.device)[:, None]
    columns = torch.hann_window(w, periodic=True, device=x.device)
    window = rows * columns
    window = window * torch.rsqrt(window.square().mean())
    waves = torch.fft.fft2(x.float() * window, norm="ortho")
    return (waves.real.square() + waves.imag.square()).roll((h // 2, w // 2), (2, 3))


def decades(power: Tensor) -> Tensor:
    """Power as its decimal logarithm."""
    return power.clamp(min=QUIETEST).log10()
