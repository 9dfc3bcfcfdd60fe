"""Devices by name."""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psutil
import torch

from ganzfeld.errors import GanzfeldError


def pick_device(name: str) -> torch.device:
    """The device that a word means: "cpu", "cuda", "cuda:1", "mps", or "auto" for CUDA if there is a card, else Apple's
    MPS, else the CPU. Raises GanzfeldError for one that is not here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.empty(1, device=torch.device(name)).device  # with its number: "cuda" is "cuda:0", say
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        hint = "Use 'auto', 'cpu' or 'cuda'; `ganzfeld doctor` tells what is here"
        raise GanzfeldError(f"the device '{name}' cannot be used: {reason}", hint=hint) from error
    return device


def at_work(device: torch.device) -> AbstractContextManager[object]:
    """While it lasts, kernels that are told no device go to this one: ours, for one."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def device_memory(device: torch.device) -> int | None:
    """Bytes of memory that a device has in all, of a host those that this process may take; None where nobody says."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    return host_memory() if device.type == "cpu" else None


def host_memory() -> int:
    """Bytes of memory of this machine, or of the container that this process runs in."""
    try:
        present = psutil.virtual_memory().total
    except OSError:  # a system without /proc, or no descriptor is left
        present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            present = min(present, int(Path(limit).read_text()))
    return present
