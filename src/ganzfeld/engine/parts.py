"""What a render process is made of: everything that takes seconds to import, behind one call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganzfeld.engine.messages import Begin
from ganzfeld.values.frames import FrameWriter
from ganzfeld.values.time import Clock

if TYPE_CHECKING:
    import numpy as np
    import torch

    from ganzfeld.engine.engine import Engine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What takes seconds to import, made by `torch_parts`; tests make them of lighter stuff.

    engine: makes what plays. parse: a text and its file's name → what the engine loads; raises PatchError.
    copy: writes a picture of the engine's into uint8 [H, W, 4] in memory. writer: publishes frames of a session,
    for pictures on the engine's device.
    """

    engine: Callable[[Begin], Any]
    parse: Callable[[str, str | None], Any]
    copy: Callable[[Any, np.ndarray], None]
    writer: Callable[[str, Any], FrameWriter]


def torch_parts() -> Parts:
    """Ganzfeld's own engine."""
    import torch

    from ganzfeld.engine.engine import Engine
    from ganzfeld.patch.language import parse
    from ganzfeld.patch.trust import TrustStore

    # What is imported on first use, half a second of it: the spare has time for that now, but not when it takes over.
    with torch.device("meta"):  # as a network that is being opened
        torch.randn(1)
    rehearsal = Engine(device="cpu")
    rehearsal.load("out(noise(), size=(8, 8))")
    rehearsal.frame(Clock().advance(0.0))
    rehearsal.close()

    def engine(begin: Begin) -> Engine:
        store = TrustStore()
        return Engine(device=begin.device, trusted=lambda path: begin.trust_all or store.trusts(path))

    def copy(picture: torch.Tensor, pixels: np.ndarray) -> None:
        torch.from_numpy(pixels).copy_(picture)

    return Parts(engine, parse, copy, _writer)


def _writer(session: str, device: torch.device) -> FrameWriter:
    """A writer whose slots the GPU writes into directly: page-locked, a frame arrives without passing through a
    buffer of the driver's."""
    if device.type != "cuda":
        return FrameWriter(session)
    import torch

    runtime: Any = torch.cuda.cudart()

    def lock(memory: np.ndarray) -> None:
        if int(runtime.cudaHostRegister(memory.ctypes.data, memory.nbytes, 0)) != 0:
            log.info("the frame slots could not be page-locked")

    def unlock(memory: np.ndarray) -> None:
        runtime.cudaHostUnregister(memory.ctypes.data)

    return FrameWriter(session, opened=lock, closing=unlock)
