"""A render is cut into pieces and joined: the same frames however it is cut, killed or shared out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from command_line import refused, run
from ganzfeld.cli import main
from ganzfeld.rendering import local
from ganzfeld.rendering.piece_renderer import PieceRenderer
from waiting import until


def test_pieces_join_exactly_however_they_are_made(
    night: Path, whole: Path, tmp_path: Path, small_pieces: None
) -> None:
    run("render", night, "--out", tmp_path / "here.npy", "--device", "cpu")
    frames = np.load(tmp_path / "here.npy")
    assert len(frames) == 180
    run("render", night, "--out", tmp_path / "film.mp4", "--device", "cpu")
    run("render", night, "--out", tmp_path / "stills", "--device", "cpu", "--start", 2.0, "--seconds", 1.1)
    assert not list(tmp_path.glob("*.parts"))
    with av.open(str(tmp_path / "film.mp4")) as film:
        stream = film.streams.video[0]
        pictures = [(frame.pts * stream.time_base, frame.to_ndarray(format="rgb24")) for frame in film.decode(stream)]
    assert [round(float(at) * 30) for at, _ in pictures] == list(range(180))
    assert max(abs(picture.astype(int) - frame[..., :3]).mean() for (_, picture), frame in zip(pictures, frames)) < 6
    from PIL import Image

    stills = sorted((tmp_path / "stills").iterdir())
    assert [still.name for still in stills] == [f"{number:05d}.png" for number in range(33)]
    for still, frame in zip(stills, frames[60:]):
        assert (np.asarray(Image.open(still)) == frame).all()
    assert (np.load(whole) == frames).all(), "all of it is what one engine makes in one go"


def test_after_a_kill_nothing_is_made_twice(
    night: Path,
    whole: Path,
    tmp_path: Path,
    small_pieces: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[tuple[int, int]] = []
    piece = PieceRenderer.piece

    def dies(self: PieceRenderer, chain: int, before: Any, target: Path, *rest: Any) -> Any:
        if len(made) == 4:
            target.write_bytes(b"half a piece")
            raise KeyboardInterrupt
        result = piece(self, chain, before, target, *rest)
        made.append((result.first, result.count))
        return result

    monkeypatch.setattr(PieceRenderer, "piece", dies)
    words = ["render", night, "--out", tmp_path / "killed.npy", "--device", "cpu"]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        main([*map(str, words)])
    assert not (tmp_path / "killed.npy").exists()
    refused(*words, "--size", 64)
    assert "another render" in capsys.readouterr().err

    def counts(self: PieceRenderer, *arguments: Any) -> Any:
        result = piece(self, *arguments)
        made.append((result.first, result.count))
        return result

    monkeypatch.setattr(PieceRenderer, "piece", counts)
    run(*words)
    assert "Going on" in capsys.readouterr().err
    assert sum(count for _, count in made) == 180
    assert len({first for first, _ in made}) == len(made)
    assert (tmp_path / "killed.npy").read_bytes() == whole.read_bytes()
    refused(*words)
    assert "already" in capsys.readouterr().err


def test_a_worker_that_dies_is_replaced(
    night: Path, whole: Path, tmp_path: Path, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MOST_REST_SECONDS", 0.0)
    killed: list[int] = []
    shelf = tmp_path / "side.npy.parts"

    def kill() -> None:
        until(lambda: list(shelf.glob("*.made")))
        workers = [
            child for child in psutil.Process().children(recursive=True)
            if "spawn_main" in " ".join(child.cmdline()) and "resource_tracker" not in " ".join(child.cmdline())
        ]  # fmt: skip
        if workers:
            killed.append(workers[0].pid)
            workers[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    run("render", night, "--out", tmp_path / "side.npy", "--device", "cpu", "--workers", 2)
    killer.join()
    assert killed
    assert (tmp_path / "side.npy").read_bytes() == whole.read_bytes()
