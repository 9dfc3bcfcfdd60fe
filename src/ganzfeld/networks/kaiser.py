"""A low-pass filter of one dimension, designed with a Kaiser window: numbers only, without torch."""

from __future__ import annotations

import math

import numpy as np


def window(taps: int, half_width: float, sampling_rate: float) -> np.ndarray:
    """The Kaiser window [taps] for a transition band of ± `half_width` at `sampling_rate` (of one unit)."""
    return np.kaiser(taps, _beta(taps, 2 * half_width / (sampling_rate / 2)))


def low_pass_line(taps: int, cutoff: float, half_width: float, sampling_rate: float) -> np.ndarray:
    """A FIR low-pass filter [taps] with sum 1; `cutoff`, `half_width` and `sampling_rate` are of one unit."""
    line = np.sinc(2 * cutoff * positions(taps, sampling_rate)) * window(taps, half_width, sampling_rate)
    return line / line.sum()


def positions(taps: int, sampling_rate: float) -> np.ndarray:
    """Where the taps lie, from the middle: [taps]."""
    return (np.arange(taps) - (taps - 1) / 2) / sampling_rate


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
