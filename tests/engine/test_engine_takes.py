"""Takes: recorded from a playing engine, torn, read, and replayed to the very same frames."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.takes import recorder as recording
from ganzfeld.engine.takes.file import MAGIC, TakeWriter, read_records
from ganzfeld.engine.takes.packing import Played, pack_happenings, pack_times, unpack_happenings, unpack_times
from ganzfeld.engine.takes.recorder import TakeRecorder, header
from ganzfeld.engine.takes.records import Fingerprint, Header, Opened, Sizes, Swapped
from ganzfeld.engine.takes.replay import Replay, View, averaged
from ganzfeld.engine.takes.take import Take
from ganzfeld.engine.takes.timeline import Start, Timeline
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.language import parse
from ganzfeld.values.outside import Hit
from ganzfeld.values.time import Clock, Moment

PATIENCE = 30.0


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)
    return result


TEXT = """bpm(130)
swap("beat", fade=0.25)
push = knob(0, 4, osc="/push")
kick = env(hit("/drum"), 0, 0.2)
hits = count(hit("/drum", s="bd"))
drift = phase(0.7)
source = noise("simplex2d", amplitude=0.9, tx=drift, period=1 + 0.5*audio.level)
face = network({network!r}, latent=source, psi=0.8 + 0.2*sin(t) + 0.1*push)
face.bend("b16", rotate=40*kick, channels=0.5, seed=3 + hits, name="spin")
trail = feedback(face, amount=lag(osc("/x", 0.5), 0.3), zoom=1.01)
out(trail, size=(40, 24), fps=30)
"""


class Night:
    """A show of one process whose hands are a script: plays, records, and keeps what it showed."""

    def __init__(self, path: Path, text: str, fps: float = 30.0, at: float = 1234.5) -> None:
        self.clock = Clock()
        self.path = path
        self.at = at
        self.fps = fps
        self.texts: list[tuple[Any, str]] = []
        self.engine = Engine(device="cpu", trusted=lambda path: True)
        self.engine.load(self._parsed(text))
        self.clock.bpm = self.engine.bpm or 120
        self._open(Opened(text=text, at=self.at, bpm=self.clock.bpm))
        self.behind = 0.0
        self.shown: list[np.ndarray] = []

    def _parsed(self, text: str):
        self.texts.append((parse(text), text))
        return self.texts[-1][0]

    def restart(self, checkpoint: bytes, clock: dict, at: float) -> None:
        """The render process died, and another one goes on from what was saved a moment ago."""
        text = self.text_of(self.engine.patch) or ""
        self.end()
        self.engine = Engine(device="cpu", trusted=lambda path: True)
        self.engine.load(self._parsed(text))
        self.engine.restore(checkpoint)
        self.clock.restore(clock)
        self._open(Opened(text=text, checkpoint=checkpoint, at=at, t=clock["t"], beat=clock["beat"], bpm=clock["bpm"]))
        self.at, self.behind = at, self.at - at

    def _open(self, opened: Opened) -> None:
        self.recorder = TakeRecorder(self.path, header(self.engine.device, "a night"), lambda: self.at, self.text_of)
        self.recorder.opened(msgspec.structs.replace(opened, folder=str(self.path.parent)))
        self.engine.witness = self.recorder

    def text_of(self, patch) -> str | None:
        return next((text for known, text in self.texts if known is patch), None)

    def save(self, text: str) -> None:
        self.engine.submit(self._parsed(text))
        until(lambda: self.engine._ready is not None)

    def play(self, frames: int = 1, *, late: float = 0.0) -> None:
        for _ in range(frames):
            step, self.behind = 1 / self.fps + late + self.behind, 0.0
            self.at += step
            pictures = self.engine.frame(self.clock.advance(step))
            self.shown.append(next(iter(pictures.values())).numpy().copy())

    def keep(self) -> None:
        self.recorder.checkpoint(self.engine.checkpoint())

    def end(self) -> None:
        self.recorder.close()
        self.engine.close()


@pytest.fixture(scope="module")
def patch(small_network: Path) -> str:
    return TEXT.format(network=str(small_network))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, patch: str) -> Iterator[Night]:
    """Five seconds with everything in them: signals, hands, snapshots, edits, a pause, a jump, late frames, and a
    render process that is replaced by another one."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        # Every state that is offered is kept.
        monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
        monkeypatch.setattr(recording, "CHECKPOINT_BYTES", float("inf"))
        night = Night(tmp_path_factory.mktemp("night") / "night.ganztake", patch)
        chance = random.Random(5)
        saved = b""
        for frame in range(150):
            engine = night.engine
            engine.outside.set("/audio/level", round(chance.random(), 4))
            if chance.random() < 0.2:
                engine.outside.set("/x", chance.random())
            for _ in range(chance.choice([0, 0, 0, 0, 1, 3])):
                engine.outside.hit("/drum", "s", chance.choice(["bd", "sn"]), velocity=chance.random())
            match frame:
                case 5 | 60:
                    engine.outside.hit("/snapshot/store", f"at {frame}")
                case 10:
                    engine.outside.set("/push", 2)
                case 15:
                    engine.set("/source/amplitude", 1.5)
                case 20:
                    night.save(patch.replace("0.8 +", "0.3 +"))
                case 45:
                    night.save(patch.replace("out(trail", "mirror = flip(trail, x=True)\nout(mirror"))
                case 55:
                    engine.release("/source/amplitude")
                case 65:
                    engine.outside.hit("/snapshot/recall", "at 5", 0.8, "beats")
                case 70:
                    night.clock.paused = True
                case 75:
                    night.clock.paused = False
                case 80:
                    night.clock.seek(30.0)
                case 95:
                    engine.submit("nonsense(")
                case 118:
                    saved = engine.checkpoint(), dict(night.clock.checkpoint()), night.at
                case 121:
                    night.restart(*saved)
            night.play(late=0.021 if frame % 17 == 0 else 0.0)
            if frame % 10 == 9:
                night.keep()
        night.end()
        yield night


def replayed(night: Night, *, fps: float | None = None, start: Start | None = None, **view: Any) -> np.ndarray:
    take = Take(night.path)
    timeline = Timeline(take, fps)
    replay = Replay(take, timeline, View(**view), "cpu")
    start = start or timeline.starts(tensors=True)[0]
    replay.start(start)
    frames = [replay.frame().numpy().copy() for _ in range(len(timeline) - start.first)]
    replay.close()
    return np.stack(frames)


def test_the_night_comes_back_bit_by_bit(night: Night) -> None:
    shown = np.stack(night.shown)
    assert len(np.unique(shown.reshape(len(shown), -1), axis=0)) > 100, "it would be easy if nothing moved"
    assert np.array_equal(replayed(night), shown)


def test_from_every_kept_state_the_rest_of_the_night_comes_back(night: Night) -> None:
    take = Take(night.path)
    starts = Timeline(take).starts(tensors=True)
    assert len(starts) >= 6, "during a fade no state is whole"
    for start in starts:
        assert np.array_equal(replayed(night, start=start)[:12], np.stack(night.shown)[start.first : start.first + 12])


def test_a_replay_goes_on_from_anothers_position(night: Night) -> None:
    take = Take(night.path)
    timeline = Timeline(take)
    replay = Replay(take, timeline, device="cpu")
    replay.start(timeline.starts(tensors=True)[0])
    for _ in range(38):
        replay.frame()
    position = msgspec.msgpack.decode(msgspec.msgpack.encode(replay.position()), type=type(replay.position()))
    assert position.exact
    other = Replay(take, timeline, device="cpu")
    other.resume(position)
    for shown in night.shown[38:60]:
        assert np.array_equal(other.frame().numpy(), shown)

