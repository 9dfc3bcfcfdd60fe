"""Many small operations side by side on one device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

COUNT = 8
PRIORITY = -1
"""Streams of this priority come from a pool of their own, so that a capture cannot catch what others do on theirs."""


class Lanes:
    """Queues of work that do not wait for each other: CUDA streams on a GPU, nothing at all elsewhere.

    A kernel that changes a few hundred numbers takes a microsecond or two however few they are; a network has hundreds
    of such tensors, which do not depend on each other.

        with lanes.open():            # after everything that was asked for before
            for each in many:
                with lanes.next():
                    ...               # in its order, beside the others
        ...                           # after all of it

    Captured in a CUDA graph, the lanes become branches of the graph.
    """

    def __init__(self, device: torch.device, count: int = COUNT) -> None:
        on_gpu = device.type == "cuda" and count > 1
        self._streams = [torch.cuda.Stream(device, PRIORITY) for _ in range(count)] if on_gpu else []
        self._taken = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        """Fork the lanes off the current stream, and join them again at the end."""
        if not self._streams:
            yield
            return
        current = torch.cuda.current_stream(self._streams[0].device)
        for stream in self._streams:
            stream.wait_stream(current)
        yield
        for stream in self._streams:
            current.wait_stream(stream)

    def next(self) -> AbstractContextManager[object]:
        """The next lane in turn."""
        if not self._streams:
            return nullcontext()
        self._taken = (self._taken + 1) % len(self._streams)
        return torch.cuda.stream(self._streams[self._taken])
