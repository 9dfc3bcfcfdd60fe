"""What the card at hand can do."""

from __future__ import annotations

import functools

import torch


@functools.cache
def has_tma(device: torch.device) -> bool:
    """Whether blocks of memory can be fetched by a unit of their own (Hopper and later)."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (9, 0)


@functools.cache
def multiprocessors(device: torch.device) -> int:
    """How many blocks can begin at once; a few stand for a processor, where the kernels run in Triton's interpreter."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 4
