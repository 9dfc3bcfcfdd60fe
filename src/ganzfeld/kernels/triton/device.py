"""What the device at hand can do."""

from __future__ import annotations

import functools

import torch


@functools.cache
def capability(device: torch.device) -> tuple[int, int]:
    """(9, 0) for an H100; (0, 0) for a processor, where the kernels run in Triton's interpreter."""
    return torch.cuda.get_device_capability(device) if device.type == "cuda" else (0, 0)


def has_tma(device: torch.device) -> bool:
    """Whether blocks of memory can be fetched by a unit of their own (Hopper and later)."""
    return capability(device) >= (9, 0)
