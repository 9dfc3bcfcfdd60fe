"""Activations as pictures: which channels, and how they become light."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzfeld.kernels.spectrum import decades, power_spectrum

VIEWS = ("rgb", "one", "mean", "grid")
NORMALISATIONS = ("running", "frame", "fixed")
MEMORY = 50  # frames over which running statistics forget


def chosen_channels(x: Tensor, view: str, first: Tensor) -> Tensor:
    """x [1, C, h, w] -> raw activations [1, 3 or 1, H, W].

    "rgb": channels first, first + 1, first + 2 (the last joins the first); "one": channel `first`; "mean": the mean;
    "grid": all of them side by side. first: 0-d integer tensor.
    """
    if view == "mean":
        return x.mean(1, keepdim=True)
    channels = x.shape[1]
    if view == "grid":
        across = math.ceil(math.sqrt(channels))
        down = math.ceil(channels / across)
        h, w = x.shape[2:]
        padded = torch.cat([x, x.new_zeros(1, across * down - channels, h, w)], 1)
        return padded.reshape(down, across, h, w).permute(0, 2, 1, 3).reshape(1, 1, down * h, across * w)
    steps = torch.arange(3 if view == "rgb" else 1, device=x.device)
    return x.index_select(1, (first + steps) % channels)


def chosen_spectrum(x: Tensor, view: str, first: Tensor) -> Tensor:
    """As `chosen_channels` of the channels' spectra, in decades of power; "mean" is the mean power."""
    if view in ("rgb", "one"):
        return decades(power_spectrum(chosen_channels(x, view, first)))
    return decades(chosen_channels(power_spectrum(x), view, first))


def lit(x: Tensor, normalise: str, gain: Tensor, statistics: Tensor, *, signed: bool = False) -> Tensor:
    """Activations [1, C, H, W] -> 0..1: the mean is mid-grey, two deviations reach black and white at gain 1.

    "fixed" takes mean 0 and deviation 1; "frame" this picture's own; "running" those of the last seconds, kept in
    `statistics` [3] (mean, mean square, frames seen), which is updated in place. signed: zero is mid-grey instead.
    """
    x = x.float()
    if normalise == "fixed":
        return 0.5 + 0.25 * gain * x
    mean, square = x.mean(), (x * x).mean()
    if normalise == "running":
        seen = statistics[2].clamp(0, MEMORY)
        share = 1 / (seen + 1)
        now = torch.stack([mean, square])
        statistics[:2].lerp_(now, share)
        statistics[2:].copy_((seen + 1)[None])
        mean, square = statistics[0], statistics[1]
    if signed:
        mean = torch.zeros_like(mean)
    deviation = (square - mean * mean).clamp(min=1e-12).sqrt()
    return 0.5 + 0.25 * gain * (x - mean) / deviation
