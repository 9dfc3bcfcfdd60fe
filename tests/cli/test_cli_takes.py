"""`play --take` and `render` of a take: a real show, driven by packets, and the words of the commands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from command_line import refused, run
from ganzfeld.cli import _render_take
from ganzfeld.errors import GanzfeldError
from ganzfeld.rendering.target_lock import target_lock
from ganzfeld.takes.take import Take
from growing_array import frames_in
from numbered_film import write_film
from recorded_take import TEXT, record_take
from waiting import until

PATIENCE = 90.0
COMMAND = "from ganzfeld.cli import main\nif __name__ == '__main__': main()"


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
            until(lambda: show.poll() is not None or len(frames_in(shown)) > 10)
            assert show.poll() is None, show.communicate()[0]
            client = SimpleUDPClient("127.0.0.1", port)
            for number in range(20):
                client.send_message("/amount", number / 20)
                client.send_message("/drum", [])
                _more(shown, 1)
            client.send_message("/trail/zoom", 0.98)
            patch.write_text(TEXT.replace("0.3*kick", "0.4*kick").replace("out(", "swap('now', fade=0.3)\nout("))
            until(lambda: _texts(take) == 2)
            _more(shown, 20)
            renders = [
                child
                for child in psutil.Process(show.pid).children()
                if "resource_tracker" not in " ".join(child.cmdline())
            ]
            min(renders, key=lambda child: child.create_time()).kill()
            until(lambda: _texts(take) == 3)
            client.send_message("/drum", [])
            _more(shown, 20)
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


def _more(path: Path, frames: int) -> None:
    """Wait until so many more frames are there."""
    before = len(frames_in(path))
    until(lambda: len(frames_in(path)) >= before + frames)


def _texts(path: Path) -> int:
    """How many texts a growing take holds. A process that goes on from another one writes the text again."""
    try:
        return len(Take(path).texts)
    except (OSError, GanzfeldError):
        return 0


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


def test_what_changes_while_a_take_is_rendered_is_told(tmp_path: Path, capsys, monkeypatch) -> None:
    script = tmp_path / "white.py"
    script.write_text("def frame(context, inputs):\n    return [[1.0]]\n")
    night = record_take(tmp_path, f"out(script({str(script)!r}), size=(4, 4))", 0.2)
    words = ("render", night, "--trust", "--device", "cpu", "--out")
    run(*words, tmp_path / "x.npy")
    assert "Changed while" not in capsys.readouterr().err
    render = _render_take._render_all
    monkeypatch.setattr(_render_take, "_render_all", lambda *words: render(*words) or script.write_text("other"))
    run(*words, tmp_path / "y.npy")
    assert "Changed while it was rendered: white.py is not the same" in capsys.readouterr().err


def test_pictures_of_a_longer_render_are_told(night: Path, tmp_path: Path, capsys) -> None:
    patch, frames = tmp_path / "a.ganz", tmp_path / "frames"
    patch.write_text("out(noise(), size=(4, 4))")
    for source in (patch, night):
        words = ("render", source, "--overwrite", "--device", "cpu", "--out", frames, "--frames")
        run(*words, 5)
        assert "another render" not in capsys.readouterr().err
        run(*words, 3)
        assert "2 pictures of another render are still there: 00003.png to 00004.png" in capsys.readouterr().err
        run(*words, 4)
        assert "1 picture of another render is still there: 00004.png" in capsys.readouterr().err


def test_a_render_does_not_write_over_what_it_reads(tmp_path: Path, capsys) -> None:
    film, linked, song = tmp_path / "loop.mkv", tmp_path / "linked.mkv", tmp_path / "song.mov"
    write_film(film, 10)
    write_film(song, 10)
    os.link(film, linked)
    frames = tmp_path / "frames"
    frames.mkdir()
    Image.new("RGB", (8, 8)).save(frames / "00002.png")
    text = f"a = movie({str(film)!r})\nb = image({str(frames / '00002.png')!r})\nout(mix(a, b), size=(16, 16))"
    patch = tmp_path / "a.ganz"
    patch.write_text(text)
    night = record_take(tmp_path, text, 0.2)
    before = film.read_bytes(), (frames / "00002.png").read_bytes()
    for source in (patch, night):
        for out in (film, linked, frames):
            refused("render", source, "--out", out, "--overwrite", "--frames", 3, "--device", "cpu")
            assert "would be written over" in capsys.readouterr().err, (source, out)
    assert (film.read_bytes(), (frames / "00002.png").read_bytes()) == before
    run("render", patch, "--out", song, "--overwrite", "--frames", 2, "--device", "cpu")


def test_two_renders_do_not_write_one_file(night: Path, tmp_path: Path, capsys) -> None:
    with target_lock(tmp_path / "x.npy"):
        refused("render", night, "--out", tmp_path / "x.npy")
        assert "another render" in capsys.readouterr().err
    run("render", night, "--out", tmp_path / "x.npy", "--frames", 1, "--device", "cpu")


def test_scripts_of_a_take_do_not_run_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even under the name of a file that is trusted."""
    from ganzfeld.patch.trust import TrustStore

    script = tmp_path / "white.py"
    script.write_text("def frame(context, inputs):\n    return [[1.0]]\n")
    night = record_take(tmp_path, f"out(script({str(script)!r}), size=(4, 4))", 0.2)
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


def test_modules_beside_a_script_of_a_take_have_to_be_the_same(tmp_path: Path, capsys) -> None:
    """What a script did depends on them, so leave to run it is leave to run it with these."""
    from ganzfeld.patch.trust import TrustStore

    script, helper = tmp_path / "white.py", tmp_path / "helper.py"
    script.write_text("import helper\ndef frame(context, inputs):\n    return [[helper.V]]\n")
    helper.write_text("V = 1.0")
    night = record_take(tmp_path, f"out(script({str(script)!r}), size=(4, 4))", 0.2)
    words = ("render", night, "--out", tmp_path / "x.npy", "--device", "cpu")
    TrustStore().trust(script)
    run(*words)
    assert (np.load(tmp_path / "x.npy") == 255).all()
    helper.write_text("V = 0.0")
    refused(*words, "--overwrite")
    assert "not here as then" in capsys.readouterr().err
    assert (tmp_path / "night.scripts" / "1.helper.py").read_text() == "V = 1.0"
