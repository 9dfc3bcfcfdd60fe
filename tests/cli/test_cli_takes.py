"""`play --take` and `render` of a take: a real show, driven by packets, to a film; cut, killed and resumed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from ganzfeld.cli import main
from ganzfeld.rendering import pieces
from ganzfeld.rendering.pieces import Maker
from ganzfeld.takes import recorder as recording
from ganzfeld.takes.take import Take

PATIENCE = 90.0
COMMAND = "from ganzfeld.cli import main\nif __name__ == '__main__': main()"
TEXT = """drift = phase(0.5)
kick = env(hit("/drum"), 0, 0.3)
source = noise("simplex2d", tx=drift, amplitude=amount, offset=0.4 + 0.3*kick)
amount = knob(0, 1, 0.5, osc="/amount")
trail = feedback(source, amount=0.7, zoom=1.05)
out(trail, size=(48, 32), fps=30)
"""


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return result


def run(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    assert ended.value.code == 0


def refused(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    assert ended.value.code == 1


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A take of six seconds, with states to begin from."""
    return recorded(tmp_path, monkeypatch, TEXT)


def recorded(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, seconds: float = 6.0) -> Path:
    from ganzfeld.engine.engine import Engine
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.takes.recorder import TakeRecorder, header
    from ganzfeld.takes.records import Opened
    from ganzfeld.values.time import Clock

    monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(recording, "CHECKPOINT_BYTES", float("inf"))
    path, now, clock = folder / "night.ganztake", [100.0], Clock()
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
    until(lambda: recorder._fingerprints._wanted.empty())
    time.sleep(0.05)
    recorder.close()
    engine.close()
    return path


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.4)
    monkeypatch.setattr(pieces, "CHAIN_SECONDS", 1.4)


# A real show


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_take_of_a_real_show_shows_what_was_shown(tmp_path: Path) -> None:
    """Packets of another library, a save, a render process that is killed; then every picture that was recorded beside
    the take is one of the render's, in their order."""
    from pythonosc.udp_client import SimpleUDPClient

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    patch, shown, take = tmp_path / "night.ganz", tmp_path / "shown.npy", tmp_path / "night.ganztake"
    patch.write_text(TEXT)
    words = ["play", patch, "--headless", "--port", "0", "--device", "cpu", "--osc", port]
    words += ["--record", shown, "--take", take]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment, start_new_session=True,
    ) as show:  # fmt: skip
        try:
            until(lambda: show.poll() is not None or _count(shown) > 20)
            assert show.poll() is None, show.communicate()[0]
            client = SimpleUDPClient("127.0.0.1", port)
            for number in range(20):
                client.send_message("/amount", number / 20)
                client.send_message("/drum", [])
                time.sleep(0.05)
            client.send_message("/trail/zoom", 0.98)
            patch.write_text(TEXT.replace("0.3*kick", "0.4*kick").replace("out(", "swap('now', fade=0.3)\nout("))
            time.sleep(1.5)
            renders = [
                child
                for child in psutil.Process(show.pid).children()
                if "resource_tracker" not in " ".join(child.cmdline())
            ]
            min(renders, key=lambda child: child.create_time()).kill()
            time.sleep(0.5)
            until(lambda: _grows(shown))
            client.send_message("/drum", [])
            time.sleep(1.0)
            os.killpg(show.pid, signal.SIGINT)
            said = show.communicate(timeout=PATIENCE)[0]
        finally:
            show.kill()
    assert "MB an hour" in said
    recorded = Take(take)
    assert len(recorded.sessions) == 2
    assert len(recorded.texts) == 3
    run("render", take, "--out", tmp_path / "again.npy", "--device", "cpu")
    made = [frame.tobytes() for frame in np.load(tmp_path / "again.npy")]
    wanted = [frame.tobytes() for frame in np.load(shown)]
    assert len(set(wanted)) > 60, "it would be easy if nothing moved"
    place, missing = 0, 0
    for frame in wanted:
        try:
            place = made.index(frame, place)
        except ValueError:
            missing += 1
    # What the process that was killed had shown in its last second was not written yet.
    assert missing <= 40
    assert missing < len(wanted) / 3


def _count(path: Path) -> int:
    try:
        return np.load(path, mmap_mode="r").shape[0]
    except (OSError, ValueError):
        return 0


def _grows(path: Path) -> bool:
    before = _count(path)
    time.sleep(0.3)
    return _count(path) > before + 2


# Pieces


def test_pieces_join_exactly_however_they_are_made(
    night: Path, tmp_path: Path, small_pieces: None, monkeypatch: pytest.MonkeyPatch
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
    # And all of it is what one engine makes in one go.
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 1e6)
    monkeypatch.setattr(pieces, "CHAIN_SECONDS", 1e6)
    run("render", night, "--out", tmp_path / "one.npy", "--device", "cpu")
    assert (np.load(tmp_path / "one.npy") == frames).all()


def test_after_a_kill_nothing_is_made_twice(
    night: Path, tmp_path: Path, small_pieces: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("render", night, "--out", tmp_path / "whole.npy", "--device", "cpu")
    made: list[tuple[int, int]] = []
    piece = Maker.piece

    def dies(self: Maker, chain: int, before: Any, target: Path, *rest: Any) -> Any:
        if len(made) == 4:
            target.write_bytes(b"half a piece")
            raise KeyboardInterrupt
        result = piece(self, chain, before, target, *rest)
        made.append((result.first, result.count))
        return result

    monkeypatch.setattr(Maker, "piece", dies)
    words = ["render", night, "--out", tmp_path / "killed.npy", "--device", "cpu"]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        main([*map(str, words)])
    assert not (tmp_path / "killed.npy").exists()
    refused(*words, "--size", 64)
    assert "another render" in capsys.readouterr().err

    def counts(self: Maker, *arguments: Any) -> Any:
        result = piece(self, *arguments)
        made.append((result.first, result.count))
        return result

    monkeypatch.setattr(Maker, "piece", counts)
    run(*words)
    assert "Going on" in capsys.readouterr().err
    assert sum(count for _, count in made) == 180
    assert len({first for first, _ in made}) == len(made)
    assert (tmp_path / "killed.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    refused(*words)
    assert "already" in capsys.readouterr().err


def test_a_worker_that_dies_is_replaced(night: Path, tmp_path: Path, small_pieces: None) -> None:
    run("render", night, "--out", tmp_path / "whole.npy", "--device", "cpu")
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
    assert (tmp_path / "side.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


@pytest.mark.timeout(300)
def test_a_cluster_makes_the_same_though_a_worker_is_killed(
    night: Path, tmp_path: Path, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="the extra 'cluster' is not installed")
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.8)
    run("render", night, "--out", tmp_path / "whole.npy", "--device", "cpu")
    killed: list[int] = []
    shelf = tmp_path / "spread.npy.parts"

    over = threading.Event()

    def kill() -> None:
        until(lambda: list(shelf.glob("*.made")))
        # Between two pieces a worker bears another name, so once may be too few.
        while not killed and not over.wait(0.005):
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.name().startswith("ray::_make_pie") or "_make_piece" in " ".join(process.cmdline()):
                        process.kill()
                        killed.append(process.pid)
                        break
                except psutil.Error:
                    continue

    killer = threading.Thread(target=kill)
    killer.start()
    # Workers find what this process finds.
    paths = os.pathsep.join(path for path in sys.path if path)
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}},
    )  # fmt: skip
    try:
        run("render", night, "--out", tmp_path / "spread.npy", "--device", "cpu", "--cluster", "local")
    finally:
        over.set()
        ray.shutdown()
        killer.join()
    assert killed, "nobody was killed"
    assert (tmp_path / "spread.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


# Sound and words


@pytest.fixture
def click(tmp_path: Path) -> Path:
    """A second of sound: silent, but for its third tenth."""
    path = tmp_path / "click.wav"
    samples = np.zeros((48000, 2), np.int16)
    samples[9600:14400] = (np.sin(np.arange(4800) / 8) * 20000).astype(np.int16)[:, None]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.tobytes())
    return path


def _heard(film: Path) -> np.ndarray:
    """Where there is sound, in hundredths of a second."""
    with av.open(str(film)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48000)
        blocks = [b.to_ndarray()[0] for frame in container.decode(audio=0) for b in resampler.resample(frame)]
    samples = np.concatenate(blocks)
    level = np.sqrt((samples[: len(samples) // 480 * 480].reshape(-1, 480) ** 2).mean(1))
    return level > 0.1


def test_a_film_has_the_sound_of_the_night(night: Path, tmp_path: Path, click: Path) -> None:
    run("render", night, "--out", tmp_path / "a.mp4", "--device", "cpu", "--sound", click)
    heard = np.flatnonzero(_heard(tmp_path / "a.mp4"))
    assert abs(heard.min() - 20) <= 3, "a recording begins with the take"
    assert heard.max() < 35, "and is not looped"
    run("render", night, "--out", tmp_path / "b.mkv", "--device", "cpu", "--start", 1.0, "--seconds", 1, "--fps", 25)
    with av.open(str(tmp_path / "b.mkv")) as film:
        assert not film.streams.audio
        assert film.streams.video[0].average_rate == 25


def test_the_sound_that_drove_the_show_follows_its_time(night: Path, tmp_path: Path, click: Path) -> None:
    from ganzfeld.rendering.soundtrack import soundtrack
    from ganzfeld.takes.timeline import Timeline

    take = Take(night)
    times = take.sessions[0].times
    times.dt[60:90] = 0.0  # a pause of a second
    times.t[60:] -= 1.0
    times.t[120:] += 0.5  # a jump
    timeline = Timeline(take)
    blocks = list(soundtrack(timeline, 0, len(timeline), click, tmp_path, recorded=False))
    track = np.concatenate(blocks)[:, 0]
    assert abs(len(track) / 48000 - 6) < 0.01
    level = np.abs(track[: len(track) // 480 * 480].reshape(-1, 480)).max(1) > 0.1
    begins = np.flatnonzero(level & ~np.roll(level, 1)) / 100
    # t = 0.2, 1.2, (pause from 2 to 3), 2.2 at 3.2, 3.5 at 4 (a jump, from 3), 4.2 at 4.7, 5.2 at 5.7
    assert begins == pytest.approx([0.2, 1.2, 3.2, 4.7, 5.7], abs=0.04)


def test_mistakes_are_explained(night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.npy").write_text("")
    for words, message in (
        (["--out", "there.npy"], "already"),
        (["--out", "x.npy", "--start", "100"], "nothing to render"),
        (["--out", "x.npy", "--output", "wall"], "no output 'wall'"),
        (["--out", "x.npy", "--fps", "fast"], "not a rate"),
        (["--out", "x.mp4", "--sound", "gone.wav"], "gone.wav"),
        (["--out", "x.abc"], "no output writes"),
    ):
        out = words[1]
        refused("render", night, "--out", tmp_path / out, *words[2:])
        assert message in capsys.readouterr().err
    patch = tmp_path / "a.ganz"
    patch.write_text(TEXT)
    refused("render", patch, "--out", tmp_path / "x.npy", "--workers", 2)
    assert "for takes" in capsys.readouterr().err
    refused("render", tmp_path / "gone.ganz", "--out", tmp_path / "there.npy")
    assert "already" in capsys.readouterr().err, "before anything is opened"
    refused("play", night)
    assert "rendered, not played" in capsys.readouterr().err
    refused("play", patch, "--take", night, "--headless")
    assert "already" in capsys.readouterr().err
    refused("play", patch, "--take", tmp_path / "take.npy", "--headless")
    assert ".ganztake" in capsys.readouterr().err
    run("render", night, "--out", tmp_path / "odd.mp4", "--size", "41x31", "--frames", 2, "--device", "cpu")
    assert "42 × 32" in capsys.readouterr().err


def test_scripts_of_a_take_do_not_run_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even under the name of a file that is trusted."""
    from ganzfeld.patch.trust import TrustStore

    script = tmp_path / "white.py"
    script.write_text("def frame(context, inputs):\n    return [[1.0]]\n")
    night = recorded(tmp_path, monkeypatch, f"out(script({str(script)!r}), size=(4, 4))", 0.2)
    assert Take(night).scripts
    words = ("render", night, "--out", tmp_path / "x.npy", "--device", "cpu")
    refused(*words)
    assert "--trust" in capsys.readouterr().err
    TrustStore().trust(script)
    run(*words)
    assert (np.load(tmp_path / "x.npy") == 255).all()
    script.write_text("def frame(context, inputs):\n    return [[0.0]]\n")
    refused(*words, "--overwrite")
    assert "not here as then" in capsys.readouterr().err
    assert "1.0" in (tmp_path / "night.scripts" / "1.py").read_text()
    run(*words, "--overwrite", "--trust")
    assert (np.load(tmp_path / "x.npy") == 255).all()
