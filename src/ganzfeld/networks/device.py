"""Devices by name."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psutil
import torch

from ganzfeld.errors import GanzfeldError
from ganzfeld.kernels.card import why_without_triton

log = logging.getLogger(__name__)

NO_CODE = "no kernel image"
"""How the driver says that torch was built without code for a card that it finds: when it is to calculate."""
HINT = "`ganzfeld doctor` tells what is here"


def pick_device(name: str) -> torch.device:
    """The device that a word means: "cpu", "cuda", "cuda:1", "mps", or "auto" for CUDA if there is a card that torch
    has code for, else Apple's MPS, else the CPU. A warning is logged of a card that torch has no code for, or that
    plays slowly. Raises GanzfeldError for one that is not here, or fails."""
    device = _best_device() if name == "auto" else _named(name)
    _tell_of_slow_card(device)
    return device


def _named(name: str) -> torch.device:
    try:
        return torch.empty(1, device=torch.device(name)).device  # with its number: "cuda" is "cuda:0", say
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        hint = f"Use 'auto', 'cpu' or 'cuda'. {HINT}"
        raise GanzfeldError(f"the device '{name}' cannot be used: {_reason(error)}", hint=hint) from error


def _best_device() -> torch.device:
    if not torch.cuda.is_available():
        return _named("mps" if torch.backends.mps.is_available() else "cpu")
    device = _named("cuda")
    try:
        (torch.ones(1, device=device) + 1).item()
    except RuntimeError as error:
        # Whatever else is wrong with a card may pass.
        if NO_CODE in str(error):
            log.warning("There is a graphics card, but the processor plays: %s. %s", _reason(error), HINT)
            return _named("cpu")
        raise GanzfeldError(f"the graphics card cannot be used: {_reason(error)}", hint=HINT) from error
    return device


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@functools.cache
def _tell_of_slow_card(device: torch.device) -> None:
    why = why_without_triton(device)
    if why is not None:
        log.warning(
            "Networks play in full precision on this card, many times slower than they could: %s. %s", why, HINT
        )


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
