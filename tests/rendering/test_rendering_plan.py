"""From what is asked for to a job, and how a job is cut."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ganzfeld.errors import GanzfeldError, OutputError
from ganzfeld.outputs import base
from ganzfeld.outputs.arrays import ArrayFile
from ganzfeld.outputs.base import Output
from ganzfeld.rendering.jobs import Chain, FinishedPiece, chains, is_whole
from ganzfeld.rendering.plan import plan, recorded_rate
from ganzfeld.takes.replay import View
from ganzfeld.takes.take import Take
from ganzfeld.takes.timeline import Timeline


@pytest.fixture(scope="module")
def take(night: Path) -> Take:
    return Take(night)


@pytest.mark.parametrize(
    ("asked", "frames"),
    [
        ({}, (0, 180)),
        ({"start": 2.0}, (60, 180)),
        ({"start": 2.0, "seconds": 1.0}, (60, 90)),
        ({"start": 2.0, "frames": 7}, (60, 67)),
        ({"frames": 10_000}, (0, 180)),
        ({"fps": 60.0, "start": 1.0, "seconds": 1.0}, (60, 120)),
    ],
)
def test_which_frames(take: Take, tmp_path: Path, asked: dict[str, Any], frames: tuple[int, int]) -> None:
    job = plan(take, tmp_path / "a.npy", View(), **asked)
    assert (job.first, job.last) == frames
    assert job.rate == asked.get("fps", 30.0) and job.fps == asked.get("fps")
    assert job.picture == (48, 32) and not job.trust


def test_a_rate_that_nobody_asked_for_is_what_was_played(take: Take) -> None:
    assert recorded_rate(take) == 30.0


def test_a_rate_that_was_raised_while_it_played_is_the_films(take: Take) -> None:
    even = np.concatenate([np.arange(90) / 30, 3 + np.arange(120) / 60])
    shaken = even + np.random.default_rng(3).uniform(0, 0.0005, len(even))
    for at in (even, shaken, np.delete(shaken, slice(100, 140))):
        session = SimpleNamespace(opened=take.sessions[0].opened, times=SimpleNamespace(at=at))
        assert recorded_rate(cast(Any, SimpleNamespace(sessions=[session]))) == 60.0


def test_nothing_to_render_and_outputs_that_are_not_there(take: Take, tmp_path: Path) -> None:
    with pytest.raises(GanzfeldError, match="nothing to render at second 100"):
        plan(take, tmp_path / "a.npy", View(), start=100.0)
    with pytest.raises(GanzfeldError, match="no output 'wall'"):
        plan(take, tmp_path / "a.npy", View(output="wall"))


def test_an_output_that_cannot_join_is_refused_before_the_work(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loose(ArrayFile):
        join = Output.join

    monkeypatch.setattr(base, "output_types", lambda: {"loose": Loose})
    with pytest.raises(OutputError, match="put together from pieces"):
        plan(take, tmp_path / "a.npy", View())


def test_scripts_are_asked_about_last(take: Take, tmp_path: Path) -> None:
    def nobody() -> bool:
        raise AssertionError("asked, though there is nothing to render")

    with pytest.raises(GanzfeldError):
        plan(take, tmp_path / "a.npy", View(), start=100.0, trusted=nobody)
    assert plan(take, tmp_path / "a.npy", View(), trusted=lambda: True).trust


def test_chains_cover_every_frame_once_and_begin_where_the_state_is_known(
    take: Take, tmp_path: Path, small_pieces: None
) -> None:
    for asked in ({}, {"start": 1.9, "seconds": 3.0}, {"fps": 50.0}):
        job = plan(take, tmp_path / "a.npy", View(), **asked)
        cut = chains(job, Timeline(take, job.fps))
        # A state that holds pictures, as this one's trail does, goes for the frames of the take alone.
        assert (len(cut) > 1) == (job.fps is None)
        assert [frame for chain in cut for frame in range(chain.first, chain.last)] == [*range(job.first, job.last)]
        assert all(chain.start.first <= chain.first for chain in cut)


def test_a_chain_is_whole_when_its_last_frame_is_there(take: Take) -> None:
    chain = Chain(Timeline(take).starts(tensors=True)[0], 0, 20)
    assert not is_whole(chain, [])
    assert not is_whole(chain, [FinishedPiece(0, 10, 0), FinishedPiece(10, 9, 10)])
    assert is_whole(chain, [FinishedPiece(0, 10, 0), FinishedPiece(10, 10, 10)])
