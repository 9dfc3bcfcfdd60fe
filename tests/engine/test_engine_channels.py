"""Amounts for each channel in a show: hands, edits, failures, checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.values.time import Moment

WAVE = "/face/wave/multiply"


@pytest.fixture
def text(small_network: Path) -> str:
    return (
        f"face = network({str(small_network)!r})\n"
        'face.bend("b*.conv0", multiply=1 + 0.5*sin(t + c/4 + i), name="wave")\n'
        'face.bend("b*.conv?.weight", gain=1 + i/n, name="fan")\n'
        "out(face)"
    )


def playing(text: str) -> Engine:
    engine = Engine(device="cpu")
    engine.load(text)
    return engine


def frame(engine: Engine, number: int) -> torch.Tensor:
    return engine.frame(Moment(number, number / 60, 1 / 60, number / 30, number / 120, 120))["out"].clone()


def test_values_are_those_of_all_matches_behind_each_other(text: str) -> None:
    engine = playing(text)
    frame(engine, 60)
    channels = [32, 32, 16]
    c = np.concatenate([np.arange(count) / 4 + i for i, count in enumerate(channels)])
    assert np.allclose(engine.values[WAVE], 1 + 0.5 * np.sin(1 + c))
    assert engine.values["/face/fan/gain"] == [1 + i / 7 for i in range(7)]


def test_a_hand_turns_all_channels_at_once(text: str) -> None:
    engine, flat = playing(text), playing(text.replace("1 + 0.5*sin(t + c/4 + i)", "2"))
    moving = frame(engine, 1)
    engine.set(WAVE, 2)
    assert torch.equal(frame(engine, 2), frame(flat, 2))
    engine.release(WAVE)
    assert torch.equal(frame(engine, 1), moving)


def test_a_failing_expression_holds_every_channel_over_edits_and_restarts(text: str) -> None:
    engine = playing(text)
    shown = frame(engine, 5)
    held = engine.values[WAVE]
    broken = text.replace("sin(t + c/4 + i)", "sin(t + c/4 + i)/(t*0)")
    engine.load(broken)
    assert torch.equal(frame(engine, 5), shown)
    assert "channel 0 has no value" in str(engine.problems[0])
    again = playing(broken)
    again.restore(engine.checkpoint())
    assert torch.equal(frame(again, 6), shown)
    assert np.array_equal(again.values[WAVE], held)
