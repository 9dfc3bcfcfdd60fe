"""A card's context, made while torch is being imported: the driver takes some 0.4 s for it and needs nobody's lock."""

from __future__ import annotations

import ctypes
import sys
import threading


def open_early(device: str) -> None:
    """Begin to open the card that this word means (see `networks.device.pick_device`), if there is one, on a thread.
    What goes wrong is told by torch, later."""
    kind, _, number = device.partition(":")
    if kind in ("auto", "cuda"):
        threading.Thread(target=_open, args=(int(number) if number.isdecimal() else 0,), daemon=True).start()


def _open(number: int) -> None:
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return
    device, context = ctypes.c_int(), ctypes.c_void_p()
    if not driver.cuInit(0) and not driver.cuDeviceGet(ctypes.byref(device), number):
        # The context that torch will use, which lives as long as the process.
        driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)
