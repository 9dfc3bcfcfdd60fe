"""`ganzfeld play`: what the terminal shows, how it ends. Once with everything real."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest
from PIL import Image
from rich.console import Console
from rich.live_render import LiveRender

from fake_engine import fake_dependencies
from ganzfeld.cli import main
from ganzfeld.cli._interrupts import held_interrupts
from ganzfeld.cli._show_terminal import ShowTerminal
from ganzfeld.patch.trust import TrustStore
from ganzfeld.process import supervisor
from ganzfeld.process.kept_show import kept_path, read_kept
from growing_array import frames_in
from waiting import until

PATIENCE = 60.0


# Around a fake engine


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the command in this process; its exit code, and what it said on stdout and stderr."""
    monkeypatch.setattr(supervisor, "Supervisor", partial(supervisor.Supervisor, prepare=fake_dependencies))

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["play", *map(str, words), "--headless", "--port", "0"])
        code = 0 if ended.value.code is None else int(ended.value.code)
        return (code, *capfd.readouterr())

    return run


@pytest.fixture
def patch(tmp_path) -> Path:
    file = tmp_path / "a.ganz"
    file.write_text("grey 7\n")
    return file


def test_it_says_where_the_page_is_and_stops_in_time(run, patch):
    code, out, err = run(patch, "--seconds", 0.3)
    assert code == 0
    assert re.search(r"http://127\.0\.0\.1:\d+/", out)
    assert str(patch) in out
    assert "a.ganz" in out
    assert err == ""


def test_it_says_the_links_by_which_others_come(run, patch, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZFELD_CONFIG", str(tmp_path / "settings"))

    def links(*words: object) -> dict[str, str]:
        code, out, err = run(patch, "--seconds", 0.2, "--host", "0.0.0.0", "--allow-host", "stage.example", *words)
        assert code == 0 and err == "" and "overhear" in out
        return dict(re.findall(r"(\w+) link +(http://stage\.example:\d+/\S*)", out))

    first = links()
    assert first.keys() == {"watch", "play", "output"} and "/output?token=" in first["output"]

    def token(link: str) -> str:
        return link.partition("token=")[2]

    again, new = links(), links("--new-links")
    assert [token(link) for link in again.values()] == [token(link) for link in first.values()]
    assert not {*map(token, first.values())} & {*map(token, new.values())}
    assert len({*map(token, new.values())}) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--new-links",), "--host"),
        (("--host", "0.0.0.0", "--certificate", "a.pem"), "go together"),
        (("--host", "0.0.0.0", "--certificate", "a.pem", "--key", "b.pem"), "cannot be used"),
    ],
)
def test_what_makes_no_sense_of_links_is_said_before_anything_starts(run, patch, words, said):
    code, out, err = run(patch, "--seconds", 0.2, *words)
    assert code == 1 and said in err and "Ganzfeld" not in out


def test_a_patch_with_a_mistake_is_told_once_and_is_the_exit_code(run, patch):
    patch.write_text("nonsense\n")
    code, _, err = run(patch, "--seconds", 0.5)
    assert code == 1
    assert err.count("no word 'nonsense'") == 2, "when it appeared, and as the reason for the end"
    assert f"{patch}:1:1" in err


@pytest.mark.parametrize("moment", ["start", "update", "stop"])
def test_ctrl_c_at_any_moment_of_the_line_that_moves_ends_it_well(run, patch, monkeypatch, moment):
    """Rich leaves a line half started, or a cursor hidden, when an interrupt comes in the middle."""
    cursor, came = [], []
    monkeypatch.setattr(Console, "show_cursor", lambda self, shown=True: cursor.append(shown) or interrupt("start"))
    monkeypatch.setattr(ShowTerminal, "_tell", lambda self, errors: interrupt("update"))
    restore = LiveRender.restore_cursor
    monkeypatch.setattr(LiveRender, "restore_cursor", lambda self: interrupt("stop") or restore(self))

    def interrupt(now: str) -> None:
        if now == moment and not came:
            came.append(now)
            signal.raise_signal(signal.SIGINT)

    code, out, err = run(patch, "--seconds", 0.3)
    assert (code, err, came) == (0, "", [moment]) and "Ctrl-C" in out
    assert cursor[-1]


def test_what_is_held_ends_with_a_second_request_and_what_is_ignored_stays_so():
    with pytest.raises(KeyboardInterrupt), held_interrupts():
        signal.raise_signal(signal.SIGINT)
        held = True
        with pytest.raises(KeyboardInterrupt):  # whoever reads what is written here may have stopped
            signal.raise_signal(signal.SIGTERM)
    assert held
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_interrupts():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


class Full(io.StringIO):
    """As a file on a full disk, or a pipe whose reader has gone."""

    def write(self, text):
        raise OSError(28, "No space left on device")

    def flush(self):
        self.write("")


@pytest.mark.parametrize("stream", [Full(), None])
def test_a_show_goes_on_where_nothing_can_be_said(run, patch, monkeypatch, stream):
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    assert run(patch, "--seconds", 0.3)[0] == 0


def test_too_little_shared_memory_is_said(run, patch, monkeypatch):
    def no_room(name, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganzfeld.values.shared_memory._make", no_room)
    code, _, err = run(patch, "--seconds", 0.3)
    assert code == 1 and "too little shared memory" in err and "No space left" in err and "Traceback" not in err


def test_a_device_that_is_not_here_ends_it(run, patch):
    code, _, err = run(patch, "--device", "none")
    assert code == 1
    assert "cannot be used" in err
    assert "Try --device cpu" in err


def test_without_a_terminal_nobody_is_asked(run, patch, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("")
    patch.write_text(f"script {script}\n")
    code, out, _ = run(patch, "--seconds", 0.3)
    assert code == 0
    assert "Have you looked" not in out
    assert not TrustStore().trusts(script)


def test_the_line_says_of_which_rate_a_show_makes_how_many_frames():
    from ganzfeld.cli._show_terminal import _line
    from ganzfeld.values.status import Status

    well = Status(phase="playing", fps=59.8, rate=60, width=8, height=8)
    assert " 59.8 fps " in _line(well).plain
    assert " 29.9 of 60 fps " in _line(msgspec.structs.replace(well, fps=29.9, division=2)).plain


# Everything real


class Program:
    """`ganzfeld play` as a person starts it."""

    def __init__(self, *words: object, **options) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
        }
        code = "from ganzfeld.cli import main\nif __name__ == '__main__': main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "play", *map(str, words)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options,
            env=environment,
            start_new_session=True,
        )
        self.said = {1: io.BytesIO(), 2: io.BytesIO()}
        self.listeners = []
        for number, stream in ((1, self.process.stdout), (2, self.process.stderr)):
            if stream is not None:
                self.listeners.append(threading.Thread(target=self._listen, args=(stream, number), daemon=True))
                self.listeners[-1].start()

    def _listen(self, stream, number: int) -> None:
        for line in stream:
            self.said[number].write(line)
        stream.close()

    def words(self, number: int = 1) -> str:
        return self.said[number].getvalue().decode()

    def url(self) -> str:
        """Of the page that was opened last."""
        return until(lambda: re.findall(r"http://\S+(?=\s)", self.words()))[-1]

    def status(self) -> dict:
        with urllib.request.urlopen(f"{self.url()}api/status", timeout=PATIENCE) as answer:
            return json.load(answer)

    def picture(self) -> np.ndarray | None:
        try:
            with urllib.request.urlopen(f"{self.url()}frame.png", timeout=PATIENCE) as answer:
                return np.asarray(Image.open(io.BytesIO(answer.read())))
        except urllib.error.HTTPError as error:
            assert error.code == 503
            return None

    def contrast(self) -> float:
        """How much the picture varies: 0 for one grey; −1 if there is none yet."""
        time.sleep(0.02)  # who asks without a pause takes the processor that the show needs
        picture = self.picture()
        return -1.0 if picture is None else float(picture[..., :3].std())

    def renders(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        renders = [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
        return sorted(renders, key=lambda process: process.create_time())

    def end(self) -> int:
        for listener in self.listeners:
            listener.join(PATIENCE)
        return self.process.wait(PATIENCE)


@pytest.fixture
def start():
    programs: list[Program] = []

    def start(*words: object, **options) -> Program:
        programs.append(Program(*words, **options))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(program.process.pid, signal.SIGKILL)  # what a kept show has started, too
            program.process.kill()
            program.end()


TEXT = 'source = noise("simplex2d", amplitude={amplitude}, offset=0.5, mono=True)\nout(source, size=(24, 16), fps=30)\n'


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.timeout(300)
def test_a_show_from_its_start_to_ctrl_c(start, tmp_path):
    """Saved into, broken, killed, and ended, with the real engine and the real page."""
    patch = tmp_path / "organ.ganz"
    patch.write_text(TEXT.format(amplitude=0.5))
    program = start(patch, "--headless", "--port", "0")
    until(lambda: program.contrast() > 10)
    assert program.picture().shape == (16, 24, 4)

    patch.write_text(TEXT.format(amplitude=0.0))
    until(lambda: program.contrast() == 0)

    patch.write_text(TEXT.format(amplitude=0.5).replace("noise", "nois"))
    errors = until(lambda: program.status()["errors"])
    assert "noise" in errors[0]["hint"]
    assert program.contrast() == 0
    patch.write_text(TEXT.format(amplitude=0.25))
    until(lambda: not program.status()["errors"] and program.contrast() > 5)

    render, _ = until(lambda: len(renders := program.renders()) == 2 and renders)  # the second is the spare
    frame = program.status()["frame"]
    render.kill()
    until(lambda: (status := program.status())["render_alive"] and status["frame"] > frame + 5)
    assert program.contrast() > 5

    os.killpg(program.process.pid, signal.SIGINT)  # Ctrl-C reaches every process of the terminal
    assert program.end() == 0
    assert "Traceback" not in program.words(2)
    assert "resource_tracker" not in program.words(2)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.timeout(300)
def test_a_kept_show_whose_supervisor_is_killed(start, tmp_path):
    """It goes on with the last good text, the snapshot that was recalled and what hands turned; a broken text waits."""
    import socket

    from pythonosc.udp_client import SimpleUDPClient

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    patch, osc = tmp_path / "kept.ganz", SimpleUDPClient("127.0.0.1", port)
    patch.write_text(TEXT.format(amplitude=0.5))
    program = start(patch, "--headless", "--port", "0", "--keep", "--osc", str(port), "--device", "cpu")
    until(lambda: program.contrast() > 10)
    # The picture may be there before anybody listens.
    until(lambda: osc.send_message("/source/amplitude", 0.0) or program.contrast() == 0)
    osc.send_message("/snapshot/store", "flat")
    osc.send_message("/source/amplitude", 0.5)
    until(lambda: program.contrast() > 10)
    osc.send_message("/snapshot/recall", ["flat", 0.0])
    until(lambda: program.contrast() == 0)
    osc.send_message("/source/offset", 1.0)
    until(lambda: program.contrast() == 0 and program.picture()[..., 0].min() > 250)
    told = program.status()["t"]  # some time ago
    t = until(lambda: (now := program.status()["t"]) > told and now)
    until(lambda: (kept := read_kept(kept_path(str(patch)))) is not None and kept.clock.get("t", 0) > t)
    patch.write_text("nonsense = (\n")
    until(lambda: program.status()["errors"])

    before, page = psutil.Process(program.process.pid).children()[0], program.url()
    before.kill()
    until(lambda: program.url() != page)
    until(lambda: (picture := program.picture()) is not None and picture[..., 0].min() > 250)
    assert program.contrast() == 0
    status = program.status()
    assert status["t"] > t and status["errors"]
    patch.write_text(TEXT.format(amplitude=0.5).replace("out(", "out(flip(").replace(", size", "), size"))
    until(lambda: not program.status()["errors"])
    assert program.picture()[..., 0].min() > 250

    program.process.terminate()
    assert program.end() == 0
    assert not before.is_running() and "is started again" in program.words(2)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.timeout(300)
def test_a_network_file_plays_and_a_terminal_is_asked_about_scripts(start, tmp_path, small_network):
    """At a terminal: the default patch, then a patch whose script waits for a y."""
    import pty

    program = start(small_network, "--headless", "--port", "0", "--seconds", "0.5")
    assert program.end() == 0
    assert "small.safetensors" in program.words()
    assert program.words(2) == ""

    script, patch = tmp_path / "invert.py", tmp_path / "a.ganz"
    script.write_text("def frame(context, inputs):\n    return 1 - inputs.image\n")
    patch.write_text('a = noise(amplitude=0)\nb = script("invert.py", image=a)\nout(b, size=(24, 16))\n')
    ours, theirs = pty.openpty()
    program = start(patch, "--headless", "--port", "0", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"may it run?" not in shown.replace(b"\r\n", b" "):
        shown += os.read(ours, 4096)
    assert not TrustStore().trusts(script)
    os.write(ours, b"y\n")
    until(lambda: TrustStore().trusts(script))
    said = bytearray(shown)

    def drain() -> None:
        try:
            while read := os.read(ours, 4096):
                said.extend(read)
        except OSError:
            pass

    draining = threading.Thread(target=drain, daemon=True)
    draining.start()
    until(lambda: b" fps" in said)  # it plays
    os.write(ours, b"\x03")  # what a terminal sends for Ctrl-C; it is not the controlling one here, so:
    os.killpg(program.process.pid, signal.SIGINT)
    assert program.end() == 0, said.decode()
    draining.join(5)
    os.close(ours)


def test_nothing_that_lies_in_the_folder_is_imported(tmp_path):
    """A script that has the name of one of Python's own modules, or a stranger's that wants to run unasked."""
    command, folder = tmp_path / "bin" / "ganzfeld", tmp_path / "show"
    command.parent.mkdir()
    folder.mkdir()
    command.write_text("from ganzfeld.cli import main\nif __name__ == '__main__':\n    main()\n")
    (folder / "a.ganz").write_text("out(noise(), size=(8, 8))\n")
    for name in ("multiprocessing", "random", "signal", "struct", "json", "numpy", "torch", "msgspec"):
        (folder / f"{name}.py").write_text("from pathlib import Path\nPath('it-ran').touch()\n")
    words = ["play", "a.ganz", "--headless", "--port", "0", "--device", "cpu", "--seconds", "3", "--record", "a.npy"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, str(command), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert not (folder / "it-ran").exists()
    assert len(np.load(folder / "a.npy")) > 1


def test_osc_turns_a_parameter_and_the_recording_shows_it(tmp_path, small_network):
    """A real show, a real UDP packet from another library, a real file read again."""
    import socket

    from pythonosc.udp_client import SimpleUDPClient

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        osc = probe.getsockname()[1]
    patch = tmp_path / "turned.ganz"
    patch.write_text(f"face = network({str(small_network)!r}, latent=seeds([1], speed=0))\nout(face)\n")
    words = ["play", str(patch), "--headless", "--port", "0", "--device", "cpu", "--seconds", "600"]
    words += ["--osc", str(osc), "--record", str(tmp_path / "shown.npy")]
    command = [sys.executable, "-c", "from ganzfeld.cli import main; main()", *words]
    shown = tmp_path / "shown.npy"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            until(lambda: process.poll() is not None or len(frames_in(shown)) > 2)
            assert process.poll() is None, process.communicate()[0]
            SimpleUDPClient("127.0.0.1", osc).send_message("/face/psi", -1.0)
            # The new picture, and the one after it.
            until(lambda: (frames_in(shown)[0] != frames_in(shown)[-2]).any())
        finally:
            process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 or sys.platform == "win32", output
    frames = np.load(shown)
    assert (frames[0] != frames[-1]).any()
    assert (frames[-1] == frames[-2]).all()


def test_a_recording_hears_the_sound_of_the_show(tmp_path):
    """A looped file, half a second of a tone in every second: the film has it."""
    import wave

    import av

    tone = np.where(np.arange(48000) < 24000, 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000), 0)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    (tmp_path / "a.ganz").write_text("out(noise(amplitude=0, offset=audio.level), size=(32, 32), fps=30)\n")
    film = tmp_path / "a.mp4"
    words = ["play", str(tmp_path / "a.ganz"), "--headless", "--port", "0", "--device", "cpu", "--seconds", "5"]
    words += ["--audio", str(tmp_path / "tone.wav"), "--speaker", "none", "--record", str(film)]
    command = [sys.executable, "-c", "from ganzfeld.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    with av.open(str(film)) as container:
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], 1)[0]
    with av.open(str(film)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert abs(len(heard) / 48000 - times[-1]) < 0.1
    loud = np.abs(heard) > 0.1
    assert 0.2 < loud.mean() < 0.6
    assert len(times) > 60
