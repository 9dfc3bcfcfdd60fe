"""Activations as pictures: which channels, and how they become light."""

from __future__ import annotations

import math

import torch
from torch import Tensor

VIEWS = ("rgb", "one", "mean", "grid")
NORMALISATIONS = ("running", "frame", "fixed")
MEMORY = 50  # frames over which running statistics forget


def chosen_channels(x: Tensor, view: str, first: Tensor) -> Tensor:
    """x [1, C, h, w] -> a picture [1, 3, H, W] of raw activations.

    "rgb": channels first, first + 1, first + 2 (the last joins the first); "one": channel `first`; "mean": the mean;
    "grid": all of them side by side. first: 0-d integer tensor.
    """
    if view == "mean":
        return x.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    channels = x.shape[1]
    if view == "grid":
        across = math.ceil(math.sqrt(channels))
        down = math.ceil(channels / across)
        h, w = x.shape[2:]
        padded = torch.cat([x, x.new_zeros(1, across * down - channels, h, w)], 1)
        tiles = padded.reshape(down, across, h, w).permute(0, 2, 1, 3).reshape(1, 1, down * h, across * w)
        return tiles.expand(-1, 3, -1, -1)
    steps = torch.arange(3, device=x.device) if view == "rgb" else torch.zeros(3, dtype=torch.long, device=x.device)
    return x.index_select(1, (first + steps) % channels)


def lit(x: Tensor, normalise: str, gain: Tensor, statistics: Tensor) -> Tensor:
    """Activations [1, 3, H, W] -> 0..1: the mean is mid-grey, two deviations reach black and white at gain 1.

    "fixed" takes mean 0 and deviation 1; "frame" this picture's own; "running" those of the last seconds, kept in
    `statistics` [3] (mean, mean square, frames seen), which is updated in place.
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
    deviation = (square - mean * mean).clamp(min=1e-12).sqrt()
    return 0.5 + 0.25 * gain * (x - mean) / deviation
