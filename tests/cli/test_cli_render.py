"""`ganzfeld render`, decoded again."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from ganzfeld.cli import main
from ganzfeld.cli.render import parse_size
from ganzfeld.errors import GanzfeldError


@pytest.fixture
def patch(small_network: Path, tmp_path: Path) -> Path:
    path = tmp_path / "walk.ganz"
    path.write_text(
        f"face = network({str(small_network)!r}, latent=seeds(speed=2))\nout(face, size=(48, 32), fps=12, fit='fill')\n"
    )
    return path


def run(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["render", *map(str, words), "--device", "cpu"])
    assert ended.value.code == 0


def test_a_film_has_the_frames_that_were_asked_for(patch: Path, tmp_path: Path) -> None:
    run(patch, "--out", tmp_path / "walk.mp4", "--seconds", 0.5)
    with av.open(str(tmp_path / "walk.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert float(film.streams.video[0].average_rate or 0) == 12
    assert len(frames) == 6
    assert frames[0].shape == (32, 48, 3)
    assert (frames[0] != frames[-1]).any()


def test_size_rate_and_length_can_be_replaced(patch: Path, tmp_path: Path) -> None:
    run(patch, "--out", tmp_path / "walk.npy", "--frames", 3, "--size", "20x10", "--fps", 5)
    made = np.load(tmp_path / "walk.npy")
    assert made.shape == (3, 10, 20, 4)


def test_what_is_rendered_is_what_is_played(patch: Path, tmp_path: Path) -> None:
    from ganzfeld import Player

    run(patch, "--out", tmp_path / "walk.npy", "--frames", 4)
    with Player(patch, device="cpu") as player:
        played = [frame.image.numpy().copy() for frame in player.frames(count=4, fps=12)]
    assert (np.load(tmp_path / "walk.npy") == np.stack(played)).all()


def test_a_network_plays_alone(small_network: Path, tmp_path: Path) -> None:
    run(small_network, "--out", tmp_path / "alone.npy", "--frames", 2)
    assert np.load(tmp_path / "alone.npy").shape == (2, 32, 32, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--frames", "1", "--seconds", "1"], "same thing"),
        (["--frames", "0"], "nothing to render"),
        (["--size", "big"], "not a size"),
        (["--output", "wall"], "no output 'wall'"),
    ],
)
def test_mistakes_are_explained(
    patch: Path, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["render", str(patch), "--out", str(tmp_path / "x.npy"), *words])
    assert ended.value.code == 1
    assert message in capsys.readouterr().err


def test_a_script_is_not_run_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("def frame(context, inputs):\n    return [[1.0]]\n")
    (tmp_path / "scripted.ganz").write_text("out(script('mine.py'), size=(4, 4))")
    words = ["render", str(tmp_path / "scripted.ganz"), "--out", str(tmp_path / "x.npy"), "--frames", "1"]
    assert not sys.stdin.isatty()
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 1
    assert "--trust" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*words, "--trust"])
    assert ended.value.code == 0
    assert (np.load(tmp_path / "x.npy") == 255).all()


def test_sizes() -> None:
    assert parse_size("1920x1080") == (1920, 1080)
    assert parse_size("512") == (512, 512)
    with pytest.raises(GanzfeldError):
        parse_size("0x5")
