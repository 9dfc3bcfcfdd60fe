"""The low-pass filters of StyleGAN3, designed with a Kaiser window (Karras et al. 2021, appendix C)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def low_pass(shape: tuple[int, ...], cutoff: float, half_width: float, sampling_rate: float) -> Tensor:
    """A FIR low-pass filter with sum 1: [k] to be used along both axes, or a radial [k, k].

    `cutoff`, the half width of the transition band and `sampling_rate` are in cycles and samples per picture.
    """
    import scipy.signal
    import scipy.special

    taps = shape[0]
    if len(shape) == 1:
        line = scipy.signal.firwin(taps, cutoff=cutoff, width=2 * half_width, fs=sampling_rate)
        return torch.as_tensor(line, dtype=torch.float32)
    position = (np.arange(taps) - (taps - 1) / 2) / sampling_rate
    radius = np.hypot(*np.meshgrid(position, position))
    middle = radius == 0
    radius[middle] = 1
    # The transform of a disc; π·cutoff² is its limit at the centre (odd lengths only).
    jinc = scipy.special.j1(2 * np.pi * cutoff * radius) / radius * cutoff
    jinc[middle] = np.pi * cutoff**2
    beta = scipy.signal.kaiser_beta(scipy.signal.kaiser_atten(taps, half_width / (sampling_rate / 4)))
    window = np.kaiser(taps, beta)
    square = jinc * np.outer(window, window)
    return torch.as_tensor(square / square.sum(), dtype=torch.float32)
