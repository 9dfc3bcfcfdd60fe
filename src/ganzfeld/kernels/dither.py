"""What is added to numbers before they are cut down to eight bits, so that smooth ramps show no steps."""

from __future__ import annotations

import torch
from torch import Tensor

ACROSS, DOWN, CHANNEL, FRAME = 3242174889, 2447445414, 1 << 30, 2654435769
"""Steps of the pattern, in 2³² of a whole: those of the sequence R2 (Roberts 2018) across and down, whose neighbours
differ much, as blue noise does; a quarter for each channel; the golden ratio for each frame."""


def dither_start(frame: int) -> int:
    """Where the pattern begins in a frame."""
    return frame * FRAME % 2**32


def dither_pattern(width: int, height: int, start: Tensor) -> Tensor:
    """[4, H, W]: what is added before a number is cut down to a whole one, in 4096 steps between 0 and 1. It is made
    of whole numbers, so that every device makes the same."""
    down, across = (torch.arange(size, device=start.device) for size in (height, width))
    channel = torch.arange(4, device=start.device)[:, None, None]
    place = across * ACROSS + down[:, None] * DOWN + channel * CHANNEL + start
    return ((place & 0xFFFFFFFF) >> 20).float().add(0.5).div(4096)
