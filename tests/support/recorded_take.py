"""A take of a show that is played and recorded in this process, with a clock that the test turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.patch.language.parser import parse
from ganzfeld.takes import recorder as recording
from ganzfeld.takes.recorder import TakeRecorder, header
from ganzfeld.takes.records import Opened
from ganzfeld.values.time import Clock

PATIENCE = 60.0
TEXT = """drift = phase(0.5)
kick = env(hit("/drum"), 0, 0.3)
source = noise("simplex2d", tx=drift, amplitude=amount, offset=0.4 + 0.3*kick)
amount = knob(0, 1, 0.5, osc="/amount")
trail = feedback(source, amount=0.7, zoom=1.05)
out(trail, size=(48, 32), fps=30)
"""


def record_take(folder: Path, text: str = TEXT, seconds: float = 6.0) -> Path:
    """A take of so many seconds at 30 frames a second, with every state that a replay may begin from."""
    path, now, clock = folder / "night.ganztake", [100.0], Clock()
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
        changed.setattr(recording, "CHECKPOINT_BYTES", float("inf"))
        engine = Engine(device="cpu", trusted=lambda path: True)
        engine.load(parse(text))
        about = header(engine.device, "a night")
        recorder = TakeRecorder(path, about, lambda: now[0], lambda patch: None)
        recorder.opened(Opened(text=text, folder=str(folder), at=100.0, fps=30.0), engine.watched)
        engine.recorder = recorder
        for frame in range(round(seconds * 30)):
            if frame % 12 == 0:
                engine.outside.hit("/drum")
            now[0] += 1 / 30
            engine.frame(clock.advance(1 / 30))
            if frame % 15 == 14:
                recorder.checkpoint(engine.checkpoint())
        fingerprints = recorder._fingerprints
        if fingerprints._thread is not None:  # it ends when all that was asked before is done
            fingerprints._wanted.put(None)
            fingerprints._thread.join(PATIENCE)
        recorder.close()
        engine.close()
    return path
