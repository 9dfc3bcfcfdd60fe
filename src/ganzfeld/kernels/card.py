"""What the card at hand can do."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor


@functools.cache
def capability(device: torch.device) -> tuple[int, int]:
    """Which generation of NVIDIA's cards this is: 8.0 Ampere, 9.0 Hopper; 0.0 for whatever else there is."""
    # On AMD's cards torch says "cuda", too.
    nvidia = device.type == "cuda" and torch.version.hip is None
    return torch.cuda.get_device_capability(device) if nvidia else (0, 0)


def is_here() -> bool:
    """Whether there is an NVIDIA card that kernels could be launched on."""
    return torch.cuda.is_available() and torch.version.hip is None


_plainly: ContextVar[bool] = ContextVar("plainly", default=False)


@contextmanager
def plainly() -> Iterator[None]:
    """While it lasts, this thread takes no kernels of our own, as if they did not run here: they may have to be
    compiled first, for seconds."""
    token = _plainly.set(True)
    try:
        yield
    finally:
        _plainly.reset(token)


def is_plain() -> bool:
    """Whether this thread is within `plainly`."""
    return _plainly.get()


def has_triton(device: torch.device) -> bool:
    """Whether our Triton kernels run on this device, an NVIDIA card of the Ampere generation or later with Triton, and
    are wanted."""
    return _runs_triton(device) and not is_plain()


@functools.cache
def _runs_triton(device: torch.device) -> bool:
    return capability(device) >= (8, 0) and importlib.util.find_spec("triton") is not None


@functools.cache
def why_without_triton(device: torch.device) -> str | None:
    """Why our Triton kernels do not run on an NVIDIA card, in words for people; None if they do, or if it is none."""
    if capability(device) == (0, 0) or _runs_triton(device):
        return None
    major, minor = capability(device)
    if (major, minor) < (8, 0):
        return f"it is of compute capability {major}.{minor}, and they want 8.0 (Ampere) or later"
    return "Triton is not installed"


def has_fused_bends(x: Tensor, *amounts: Tensor) -> bool:
    """Whether our fused bends of activations take this: one in half precision, where our Triton kernels run, with one
    number an amount for all channels."""
    return (
        has_triton(x.device)
        and x.dtype == torch.float16
        and len(x) == 1
        and not any(amount.dim() for amount in amounts)
    )


@functools.cache
def has_tma(device: torch.device) -> bool:
    """Whether blocks of memory can be fetched by a unit of their own (Hopper and later)."""
    return capability(device) >= (9, 0)


@functools.cache
def coupled_blocks(device: torch.device) -> int:
    """How many blocks can read and write each other's shared memory: one before Hopper; sixteen on cards of the data
    centre, eight on others."""
    return blocks_coupled_by(capability(device)[0])


def blocks_coupled_by(major: int) -> int:
    """The same by the card's generation."""
    return 1 if major < 9 else 16 if major in (9, 10) else 8


@functools.cache
def has_wgmma(device: torch.device) -> bool:
    """Whether four warps can multiply matrices that lie in shared memory: the Hopper generation, and no other."""
    return capability(device) == (9, 0)


def shared_memory_of(capability: tuple[int, int]) -> int:
    """Bytes of memory that the threads of a block can share at most on a card of this capability; of one that is not
    known, what the least has (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability")."""
    kilobytes = {(8, 0): 163, (8, 7): 163, (9, 0): 227, (10, 0): 227, (10, 3): 227}
    return 1024 * kilobytes.get(capability, 99)


def shared_memory(device: torch.device) -> int:
    """Bytes of memory that the threads of a block can share at most."""
    return shared_memory_of(capability(device))


@functools.cache
def multiprocessors(device: torch.device) -> int:
    """How many blocks can begin at once; a few stand for a processor, where the kernels run in Triton's interpreter."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 4
