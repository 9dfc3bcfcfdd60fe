"""The graphics driver's own library, by its C interface. Nothing here needs torch: processes that have not imported it
yet ask for a card, too."""

from __future__ import annotations

import ctypes
import functools
import sys


@functools.cache
def cuda_driver() -> ctypes.CDLL:
    """The library. Raises OSError where there is none."""
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def card_number(device: str) -> int | None:
    """The number of the card that a device's word may mean (see `networks.device.pick_device`); None if it means
    none."""
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cuda") or not (number or "0").isdecimal():
        return None
    return int(number or "0")


def found_card(number: int) -> tuple[ctypes.CDLL, ctypes.c_int] | None:
    """The library, and its handle of the card of this number; None without one. It takes a few hundred milliseconds
    when a process asks for the first time."""
    try:
        driver = cuda_driver()
    except OSError:
        return None
    device = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), number):
        return None
    return driver, device
