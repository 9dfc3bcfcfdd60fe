"""`ganzfeld render`, decoded again."""

from __future__ import annotations

import os
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from command_line import exit_code
from ganzfeld.cli import main
from ganzfeld.cli._render_options import parse_fps, parse_size
from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.parallel_encoders import ParallelEncoders


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


def test_a_large_processor_has_two_encoders_for_a_film(patch: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    made: list[int] = []
    begin = ParallelEncoders.__init__
    monkeypatch.setattr(ParallelEncoders, "__init__", lambda *it: made.append(len(it[3])) or begin(*it))
    run(patch, "--out", tmp_path / "walk.mp4", "--frames", 30)
    assert made == [2]
    with av.open(str(tmp_path / "walk.mp4")) as film:
        assert [round(float(frame.time or 0) * 12) for frame in film.decode(video=0)] == list(range(30))


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


def test_a_name_of_one_picture_gets_numbers_for_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch = tmp_path / "a.ganz"
    patch.write_text("out(noise(), size=(16, 16))")
    assert exit_code("render", patch, "--out", tmp_path / "p.png", "--frames", 3, "--device", "cpu") == 0
    assert sorted(path.name for path in tmp_path.glob("p*")) == ["p_0000.png", "p_0001.png", "p_0002.png"]
    assert "p_0000.png to p_0002.png" in " ".join(capsys.readouterr().out.split())
    assert exit_code("render", patch, "--out", tmp_path / "p.png", "--frames", 2, "--device", "cpu") == 1
    assert exit_code("render", patch, "--out", tmp_path / "one.png", "--frames", 1, "--device", "cpu") == 0
    assert (tmp_path / "one.png").exists()
    assert exit_code("render", patch, "--out", tmp_path / "no" / "p.png", "--frames", 1, "--device", "cpu") == 1
    assert not (tmp_path / "no").exists()


def test_linear_pictures_are_the_floats_that_bytes_are_made_of(patch: Path, tmp_path: Path) -> None:
    OpenEXR = pytest.importorskip("OpenEXR")
    run(patch, "--out", tmp_path / "walk.npy", "--frames", 2)
    run(patch, "--out", tmp_path / "walk.exr", "--frames", 2)
    paths = sorted(tmp_path.glob("*.exr"))
    assert len(paths) == 2
    for path, image in zip(paths, np.load(tmp_path / "walk.npy")):
        light = np.maximum(OpenEXR.File(str(path)).channels()["RGBA"].pixels.astype(np.float32)[..., :3], 0)
        encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        assert np.abs(np.clip(encoded, 0, 1) * 255 - image[..., :3]).max() < 1


def test_a_snapshot_is_what_is_rendered(patch: Path, tmp_path: Path) -> None:
    from ganzfeld import Player

    with Player(patch, device="cpu") as player:
        player.set("/face/psi", -0.5)
        player.frame(0.1)
        player.store("mirrored")
    for name, words in (("own", ()), ("mirrored", ("--snapshot", "mirrored"))):
        run(patch, "--out", tmp_path / f"{name}.npy", "--frames", 2, *words)
    with Player(patch, device="cpu") as player:
        player.set("/face/psi", -0.5)
        turned = np.stack([frame.image.numpy() for frame in player.frames(count=2, fps=12)])
    assert np.array_equal(np.load(tmp_path / "mirrored.npy"), turned)
    assert not np.array_equal(np.load(tmp_path / "own.npy"), turned)


def test_a_film_with_the_sound_that_moved_it(tmp_path: Path) -> None:
    """A tone that begins after half a second: the film turns white with it, and holds it at the same place."""
    tone = np.zeros(48000, np.float32)
    tone[24000:] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24000) / 48000)
    sound, target, patch = tmp_path / "tone.wav", tmp_path / "tone.mp4", tmp_path / "a.ganz"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    patch.write_text("out(noise(amplitude=0, offset=audio.level), size=(32, 32), fps=20)\n")
    run(patch, "--out", target, "--seconds", 1.5, "--audio", sound, "--quality", 0)
    with av.open(str(target)) as film:
        grey = [frame.to_ndarray(format="gray").mean() for frame in film.decode(video=0)]
    with av.open(str(target)) as film:
        heard = np.concatenate([frame.to_ndarray() for frame in film.decode(audio=0)], 1)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert len(grey) == 30
    assert max(grey[:10]) < 2
    assert min(grey[14:20]) > 230
    assert abs(heard.shape[1] / 48000 - 1.5) < 0.05
    loud = np.abs(heard) > 0.1
    assert abs(int(loud[0].argmax()) - 24000) < 0.02 * 48000
    assert np.abs(heard[:, 30000:40000]).max() == pytest.approx(0.5, abs=0.05), "as loud as the file"
    run(patch, "--out", tmp_path / "silent.mp4", "--frames", 2, "--audio", sound, "--silent")
    with av.open(str(tmp_path / "silent.mp4")) as film:
        assert not film.streams.audio


def test_a_network_plays_alone(small_network: Path, tmp_path: Path) -> None:
    run(small_network, "--out", tmp_path / "alone.npy", "--frames", 2)
    assert np.load(tmp_path / "alone.npy").shape == (2, 32, 32, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--frames", "1", "--seconds", "1"], "same thing"),
        (["--frames", "0"], "nothing to render"),
        (["--start", "nan"], "no time of a show"),
        (["--seconds", "inf"], "no time of a show"),
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
    for wrong in ("0x5", "5x0", "5x00", "", "x", "123456"):
        with pytest.raises(GanzfeldError, match="is not a size"):
            parse_size(wrong)


def test_rates() -> None:
    assert parse_fps("29.97") == 29.97
    assert parse_fps(None) is None and parse_fps("live") is None
    for wrong in ("0", "nan", "inf", "fast", "2000"):
        with pytest.raises(GanzfeldError, match="is not a rate"):
            parse_fps(wrong)
