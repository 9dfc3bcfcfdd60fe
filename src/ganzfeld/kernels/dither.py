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
    device = start.device
    across = torch.arange(width, device=device) * ACROSS + torch.arange(4, device=device)[:, None, None] * CHANNEL
    down = torch.arange(height, device=device)[:, None] * DOWN + start
    # In 32 bits, which wrap around by themselves. Few passes: there is one number for each that leaves.
    place = across.to(torch.int32) + down.to(torch.int32)
    return (place.bitwise_right_shift_(20).bitwise_and_(0xFFF)).float().add_(0.5).div_(4096)
