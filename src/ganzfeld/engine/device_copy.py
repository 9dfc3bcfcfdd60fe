"""Pictures from the device into memory of the host, beside the next frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

Copy = Callable[[Any, "np.ndarray"], Callable[[], None] | None]
"""Begins to write a picture into uint8 [H, W, 4] in memory. What it returns waits until that is done; None: it is."""


def copy_on_host(picture: torch.Tensor, pixels: np.ndarray) -> None:
    """Copies now."""
    import torch

    torch.from_numpy(pixels).copy_(picture)


class CopyFromCuda:
    """Copies on a stream of each device's own."""

    def __init__(self) -> None:
        self._streams: dict[torch.device, _CopyStream] = {}

    def __call__(self, picture: torch.Tensor, pixels: np.ndarray) -> Callable[[], None] | None:
        stream = self._streams.get(picture.device)
        if stream is None:
            if picture.device.type != "cuda":
                return copy_on_host(picture, pixels)
            stream = self._streams[picture.device] = _CopyStream(picture.device)
        return stream.copy(picture, pixels)


class _CopyStream:
    """A stream that copies, and its events: making one takes longer than using it."""

    def __init__(self, device: torch.device) -> None:
        import torch

        from ganzfeld.engine.program.capture import COPYING

        self._device = device
        self._stream = torch.cuda.Stream(device, COPYING)
        self._drawn = torch.cuda.Event()
        self._free: list[torch.cuda.Event] = []

    def copy(self, picture: torch.Tensor, pixels: np.ndarray) -> Callable[[], None]:
        import torch

        # Waiting must not spin: the building thread wants this core.
        done = self._free.pop() if self._free else torch.cuda.Event(blocking=True)
        drawing = torch.cuda.current_stream(self._device)
        self._drawn.record(drawing)
        self._stream.wait_event(self._drawn)
        torch.cuda.set_stream(self._stream)
        try:
            torch.from_numpy(pixels).copy_(picture, non_blocking=True)
            done.record(self._stream)
        finally:
            torch.cuda.set_stream(drawing)

        def wait() -> None:
            done.synchronize()
            self._free.append(done)

        return wait
