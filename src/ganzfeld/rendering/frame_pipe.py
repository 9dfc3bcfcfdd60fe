"""Frames from the device into an output, while the next ones are drawn.

Four things happen at a time: the device draws, pictures are copied to the host, threads convert them to what the output
takes, and one thread writes. Frames leave in their order. Whoever draws waits only when all buffers are full.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ganzfeld.engine.device_copy import CopyFromCuda

if TYPE_CHECKING:
    import numpy as np
    import torch

    from ganzfeld.outputs.base import Output

MOST_BUFFERS = 16
MOST_BYTES = 1 << 30
"""Of all buffers together; there are three at least."""
MOST_CONVERTERS = 6
SWITCH_SECONDS = 1e-4
"""Python's threads change so often while there is a pipe: the one that draws never waits for long."""


@dataclass(slots=True, eq=False)
class _Buffer:
    """Memory for one picture; page-locked where a GPU writes into it."""

    memory: torch.Tensor
    pixels: np.ndarray


class FramePipe:
    """Takes pictures from one thread, and writes them into an output of its own.

    opens: opens the output for pictures of a size (width, height). It is called with the first picture.
    """

    def __init__(self, opens: Callable[[tuple[int, int]], Output]) -> None:
        self._opens, self._copy = opens, CopyFromCuda()
        self._output: Output | None = None
        self._free: queue.SimpleQueue[_Buffer] = queue.SimpleQueue()
        self._made = self._most = self._count = 0
        self._waiting: queue.SimpleQueue[tuple[Future[Any], _Buffer, float, int] | None] = queue.SimpleQueue()
        self._pool: ThreadPoolExecutor | None = None
        self._writer: threading.Thread | None = None
        self._error: BaseException | None = None
        self._switches = sys.getswitchinterval()

    def put(self, picture: torch.Tensor, t: float, number: int) -> None:
        """The next picture, [H, W, 4] on any device, as the output takes it. Raises what writing an earlier one
        raised."""
        if self._error is not None:
            raise self._error
        if self._output is None:
            self._begin(picture)
        assert self._pool is not None
        buffer = self._buffer(picture)
        wait = self._copy(picture, buffer.pixels)
        converting = self._pool.submit(self._convert, picture, buffer, wait, self._count)
        self._count += 1
        self._waiting.put((converting, buffer, t, number))

    def close(self) -> None:
        """Write what is under way, and finish the file. Raises what went wrong."""
        if self._writer is not None and self._pool is not None:
            self._waiting.put(None)
            self._writer.join()
            self._pool.shutdown()
            self._writer = self._pool = None
            sys.setswitchinterval(self._switches)
            output, self._output = self._output, None
            if output is not None:
                output.close()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *problem: object) -> None:
        if kind is None:
            self.close()
        else:
            with contextlib.suppress(Exception):  # the first problem is the one to tell
                self.close()

    def _begin(self, picture: torch.Tensor) -> None:
        height, width = picture.shape[:2]
        self._output = self._opens((width, height))
        self._most = max(3, min(MOST_BUFFERS, MOST_BYTES // max(1, picture.nbytes)))
        workers = max(1, min(MOST_CONVERTERS, (os.cpu_count() or 2) // 2))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ganzfeld-convert")
        self._writer = threading.Thread(target=self._write, name="ganzfeld-write", daemon=True)
        self._writer.start()
        sys.setswitchinterval(SWITCH_SECONDS)

    def _buffer(self, picture: torch.Tensor) -> _Buffer:
        """One that fits and that nobody reads any more; waits for it."""
        import torch

        if self._made < self._most and self._free.empty():
            self._made += 1
        else:
            buffer = self._free.get()
            if buffer.memory.shape == picture.shape:
                return buffer
        memory = torch.empty(picture.shape, dtype=picture.dtype, pin_memory=picture.is_cuda)
        return _Buffer(memory, memory.numpy())

    def _convert(self, picture: torch.Tensor, buffer: _Buffer, wait: Callable[[], None] | None, index: int) -> Any:
        """On a thread of the pool. picture: held until its copy is there. index: how many came before it."""
        if wait is not None:
            wait()
        del picture
        assert self._output is not None
        return self._output.converted(buffer.pixels, index)

    def _write(self) -> None:
        """On its own thread: in order, one after the other."""
        while (item := self._waiting.get()) is not None:
            future, buffer, t, number = item
            try:
                if self._error is None and self._output is not None:
                    self._output.write_converted(future.result, t, number)
            except BaseException as error:
                self._error = error
            finally:
                del future, item
                self._free.put(buffer)
