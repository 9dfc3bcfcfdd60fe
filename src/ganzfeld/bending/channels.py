"""Which channels a bend acts on: a seeded share, a list, or both; as a mask of 0..1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzfeld.kernels.gaussian import mix
from ganzfeld.ranges import numbers


def listed(value: Any) -> tuple[int, ...] | None:
    """ "0-15,32" or [0, 3, 5] -> channel numbers; None means all. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, str):
        return numbers(value, "channel")
    given = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(number, int) and number >= 0 for number in given):
        raise ValueError('channels are whole numbers from 0, or a range such as "0-15"')
    return tuple(given)


def draw(channels: int, seed: int, stream: int, device: torch.device) -> Tensor:
    """A number 0..1 for each channel, a hash of the seed: a share takes the channels whose number is below it."""
    numbers = mix((torch.arange(channels, device=device) + mix(seed + mix(stream + 1))) & 0xFFFFFFFF)
    return numbers.to(torch.float32) / 2**32


def order(channels: int, seed: int, stream: int, device: torch.device) -> Tensor:
    """A seeded order of the channels, int64 [channels]."""
    return draw(channels, seed, stream, device).argsort()


def share_mask(drawn: Tensor, share: Tensor, soft: Tensor) -> Tensor:
    """1 for the channels within the share, 0 outside; `soft` widens the edge, so that channels come in smoothly."""
    width = soft.clamp(min=1e-6)
    smooth = ((share * (1 + width) - drawn) / width).clamp(0, 1)
    return torch.where(soft > 0, smooth, (drawn < share).to(drawn.dtype))
