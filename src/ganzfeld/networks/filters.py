"""The low-pass filters of StyleGAN3, designed with a Kaiser window (Karras et al. 2021, appendix C)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganzfeld.networks.kaiser import low_pass_line, positions, window


def low_pass(shape: tuple[int, ...], cutoff: float, half_width: float, sampling_rate: float) -> Tensor:
    """A FIR low-pass filter with sum 1: [k] to be used along both axes, or a radial [k, k].

    `cutoff`, the half width of the transition band and `sampling_rate` are in cycles and samples per picture.
    """
    taps = shape[0]
    if len(shape) == 1:
        return torch.as_tensor(low_pass_line(taps, cutoff, half_width, sampling_rate), dtype=torch.float32)
    position, edge = positions(taps, sampling_rate), window(taps, half_width, sampling_rate)
    radius = np.hypot(*np.meshgrid(position, position))
    middle = radius == 0
    radius[middle] = 1
    # The transform of a disc; π·cutoff² is its limit at the centre (odd lengths only).
    jinc = bessel_j1(2 * np.pi * cutoff * radius) / radius * cutoff
    jinc[middle] = np.pi * cutoff**2
    square = jinc * np.outer(edge, edge)
    return torch.as_tensor(square / square.sum(), dtype=torch.float32)


def bessel_j1(x: np.ndarray) -> np.ndarray:
    """The Bessel function J₁ of x, 0 … 200, to 1e-14: the mean of cos(τ − x·sin τ) over one turn (Bessel 1824).

    The integrand is periodic, so that a sum over evenly spaced τ is exact but for terms of the order J of their number.
    `torch.special.bessel_j1` is off by 5e-7 between 5 and 60.
    """
    turn = np.arange(512) * (2 * np.pi / 512)
    return np.cos(turn - x[..., None] * np.sin(turn)).mean(-1)
