"""What a render process depends on: everything that takes seconds to import, behind one call, which tests replace."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganzfeld.engine.device_copy import Copy, CopyFromCuda
from ganzfeld.process.card_shares import OpenCard, no_card
from ganzfeld.process.messages import Begin
from ganzfeld.process.read_back import page_locking_writer
from ganzfeld.values.frames import FrameWriter
from ganzfeld.values.hazards import Hazard, HazardBoard, Hazards
from ganzfeld.values.time import Clock

if TYPE_CHECKING:
    import torch

    from ganzfeld.engine.engine import Engine


log = logging.getLogger(__name__)

HUNG = 75
"""The exit code of a process that was held up."""
SECONDS_TO_TELL = 0.05


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What takes seconds to import, made by `torch_dependencies`; tests have light ones.

    engine: makes what plays. copy: writes a picture of the engine's into memory. writer: publishes frames of a session,
    for pictures on the engine's device. card: what pictures are shared on. rehearse: does once what is slow when it is
    done first, for a process that has time for that. is_compiling: whether what a show needs first is just being
    compiled for the engine's device.
    """

    engine: Callable[[Begin], Any]
    copy: Copy
    writer: Callable[[str, Any], FrameWriter]
    card: OpenCard = no_card
    rehearse: Callable[[], None] = lambda: None
    is_compiling: Callable[[Any], bool] = lambda device: False


def hazards_of(session: str) -> Hazards:
    """Where a render process writes down what may kill or hang it. What does not end when it should ends the process:
    the supervisor finds in the list which file it was."""

    def give_up(hazard: Hazard) -> None:
        log.warning("%s does not return and cannot be stopped; the render process ends", hazard.path)
        time.sleep(SECONDS_TO_TELL)
        os._exit(HUNG)

    return Hazards(HazardBoard(session), give_up)


def compile_beside(device: torch.device) -> None:
    """Kernels of patches to come are compiled by another process, while this one plays."""
    from ganzfeld.kernels.card import has_triton
    from ganzfeld.process.compile_server import CompileServer
    from ganzfeld.process.pretended_card import Card

    if has_triton(device):
        from ganzfeld.kernels.triton.elsewhere import install

        install(CompileServer(Card.of(device)).compile)


def torch_dependencies() -> Dependencies:
    """Ganzfeld's own engine."""
    import torch

    from ganzfeld.engine.engine import Engine
    from ganzfeld.engine.program.capture import RENDERING
    from ganzfeld.patch.trust import TrustStore
    from ganzfeld.process.compile_ahead import await_first, is_compiling
    from ganzfeld.process.torch_card import torch_card

    def rehearse() -> None:
        # What is imported on first use: the spare has time for that now, but not when it takes over.
        rehearsal = Engine(device="cpu")
        rehearsal.load("out(noise(), size=(8, 8))")
        rehearsal.frame(Clock().advance(0.0))
        rehearsal.close()

    def engine(begin: Begin) -> Engine:
        store = TrustStore()
        engine = Engine(
            device=begin.device,
            trusted=lambda path: begin.trust_all or store.trusts(path),
            hazards=hazards_of(begin.session),
            sources=begin.sources,
            await_kernels=await_first,
        )
        if engine.device.type == "cuda":
            torch.cuda.set_stream(torch.cuda.Stream(engine.device, RENDERING))
            compile_beside(engine.device)
        return engine

    return Dependencies(engine, CopyFromCuda(), page_locking_writer, torch_card, rehearse, is_compiling)
