"""A card's context, made while torch is being imported: the driver takes some 0.4 s for it and needs nobody's lock."""

from __future__ import annotations

import ctypes
import threading

from ganzfeld.kernels.cuda.library import card_number, found_card


def open_early(device: str) -> None:
    """Begin to open the card that this word means (see `networks.device.pick_device`), if there is one, on a thread.
    What goes wrong is told by torch, later."""
    number = card_number(device)
    if number is not None:
        threading.Thread(target=_open, args=(number,), daemon=True).start()


def _open(number: int) -> None:
    found = found_card(number)
    if found is not None:
        driver, device = found
        # The context that torch will use, which lives as long as the process.
        driver.cuDevicePrimaryCtxRetain(ctypes.byref(ctypes.c_void_p()), device)
