"""The low-pass filters of StyleGAN3, designed with a Kaiser window (Karras et al. 2021, appendix C)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def low_pass(shape: tuple[int, ...], cutoff: float, half_width: float, sampling_rate: float) -> Tensor:
    """A FIR low-pass filter with sum 1: [k] to be used along both axes, or a radial [k, k].

    `cutoff`, the half width of the transition band and `sampling_rate` are in cycles and samples per picture.
    """
    taps = shape[0]
    window = np.kaiser(taps, _beta(taps, 2 * half_width / (sampling_rate / 2)))
    position = (np.arange(taps) - (taps - 1) / 2) / sampling_rate
    if len(shape) == 1:
        line = np.sinc(2 * cutoff * position) * window
        return torch.as_tensor(line / line.sum(), dtype=torch.float32)
    radius = np.hypot(*np.meshgrid(position, position))
    middle = radius == 0
    radius[middle] = 1
    # The transform of a disc; π·cutoff² is its limit at the centre (odd lengths only).
    jinc = bessel_j1(2 * np.pi * cutoff * radius) / radius * cutoff
    jinc[middle] = np.pi * cutoff**2
    square = jinc * np.outer(window, window)
    return torch.as_tensor(square / square.sum(), dtype=torch.float32)


def bessel_j1(x: np.ndarray) -> np.ndarray:
    """The Bessel function J₁ of x, 0 … 200, to 1e-14: the mean of cos(τ − x·sin τ) over one turn (Bessel 1824).

    The integrand is periodic, so that a sum over evenly spaced τ is exact but for terms of the order J of their number.
    `torch.special.bessel_j1` is off by 5e-7 between 5 and 60.
    """
    turn = np.arange(512) * (2 * np.pi / 512)
    return np.cos(turn - x[..., None] * np.sin(turn)).mean(-1)


def _beta(taps: int, width: float) -> float:
    """The Kaiser window's parameter for a transition band of `width`, a share of half the sampling rate.

    Kaiser's own formulas (1974): first the attenuation in dB that so many taps can reach.
    """
    attenuation = 2.285 * (taps - 1) * math.pi * width + 7.95
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21:
        return 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    return 0.0
