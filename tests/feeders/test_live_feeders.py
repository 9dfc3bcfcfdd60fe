"""Feeders of what sends by itself, against real senders where there are any."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

import fakes
import ganzfeld.outputs.shared
from far_ends.shared import one_file_module
from ganzfeld.errors import FeederError
from ganzfeld.feeders.kinds.camera import source_of
from ganzfeld.feeders.kinds.stream import stream_address
from ganzfeld.feeders.live import filling, filling_rgba
from ganzfeld.feeders.service import OpenFeeder, end_children
from ganzfeld.values.liveness import is_alive
from ndi_peer import NdiSender, on_this_machine_alone
from stream_listener import free_port, stream_sender
from waiting import until

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")


@pytest.fixture(autouse=True)
def no_children() -> Iterator[None]:
    end_children()
    yield
    end_children()


class Watched:
    """A feeder, asked again and again."""

    def __init__(self, kind: str, **options: object) -> None:
        self.feeder = OpenFeeder(kind, slots=2, **options)  # type: ignore[arg-type]
        self.number, self.array, self.problem = 0, None, ""

    def look(self) -> Watched:
        answer = self.feeder.ask("newest", after=self.number, seconds=0.1)
        self.number, self.problem, _ = answer.facts
        if answer.array is not None:
            self.array = answer.array.copy()
        return self


def near(picture: np.ndarray | None, colour: tuple[int, ...], tolerance: int = 0) -> bool:
    if picture is None:
        return False
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2].astype(int)
    return bool((np.abs(middle - np.array(colour)) <= tolerance).all())


def shared_name() -> str:
    return f"t{secrets.token_hex(4)}"


def test_shared_memory_is_read_in_every_format_comes_and_goes() -> None:
    ring, name = one_file_module(), shared_name()
    seen = Watched("shared", name=name, width=6, height=4)
    until(lambda: "Nothing is shared" in seen.look().problem)
    writer = ring.Writer(name)
    red = np.full((4, 6, 4), (200, 40, 40, 128), np.uint8)
    writer.write(red)
    until(lambda: near(seen.look().array, (200, 40, 40, 128)))
    assert seen.problem == ""
    half = np.zeros((4, 6, 4), np.float32)
    half[:] = (0.25, 0.5, 0, 0.5)
    writer.write(half, alpha="premultiplied")
    until(lambda: near(seen.look().array, (128, 255, 0, 128), 1))
    writer.write(np.full((4, 6, 3), 0.2158605, np.float32), colour="linear")
    until(lambda: near(seen.look().array, (128, 128, 128, 255), 1))
    writer.write(np.full((40, 60), 40000, np.uint16))
    until(lambda: near(seen.look().array, (156, 156, 156, 255), 1))
    writer.write(np.full((4, 6, 2), np.nan, np.float32))
    until(lambda: near(seen.look().array, (0, 0, 0, 0), 1))
    writer.close()
    until(lambda: "no more" in seen.look().problem or "Nothing" in seen.problem)
    assert near(seen.array, (0, 0, 0, 0))
    again = ring.Writer(name)
    again.write(red)
    until(lambda: near(seen.look().array, (200, 40, 40, 128)) and seen.problem == "")
    again.close()


def test_a_writer_that_is_killed_leaves_its_picture_and_the_next_goes_on(tmp_path: Path) -> None:
    name = shared_name()
    folder = str(Path(ganzfeld.outputs.shared.__file__).parent)
    code = "import sys, time, numpy as np; sys.path.insert(0, sys.argv[1]); import ganzfeld_ring\n"
    code += "writer = ganzfeld_ring.Writer(sys.argv[2])\n"
    code += "writer.write(np.full((4, 6, 4), int(sys.argv[3]), np.uint8)); time.sleep(60)"
    seen = Watched("shared", name=name, width=6, height=4)
    writer = subprocess.Popen([sys.executable, "-c", code, folder, name, "90"])
    try:
        until(lambda: near(seen.look().array, (90, 90, 90, 90)))
    finally:
        writer.kill()
        writer.wait()
    until(lambda: "has ended" in seen.look().problem)
    number = seen.number
    until(lambda: "has ended" in seen.look().problem)
    assert seen.number == number
    assert near(seen.array, (90, 90, 90, 90))
    ring = one_file_module().Writer(name)
    ring.write(np.full((4, 6, 4), 30, np.uint8))
    until(lambda: near(seen.look().array, (30, 30, 30, 30)))
    assert seen.look().problem == ""
    ring.close()


@pytest.mark.skipif(sys.platform != "linux", reason="zombies")
def test_a_writer_that_nobody_has_buried_has_ended_too() -> None:
    """Its parent has not asked how it ended, so its number is still there."""
    name = shared_name()
    folder = str(Path(ganzfeld.outputs.shared.__file__).parent)
    code = "import sys, time, numpy as np; sys.path.insert(0, sys.argv[1]); import ganzfeld_ring\n"
    code += "ganzfeld_ring.Writer(sys.argv[2]).write(np.full((4, 6, 4), 90, np.uint8))\n"
    code += "print(1, flush=True); time.sleep(60)"
    writer = subprocess.Popen([sys.executable, "-c", code, folder, name], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None and writer.stdout.readline()
        assert is_alive(writer.pid)
        seen = Watched("shared", name=name, width=6, height=4)
        until(lambda: near(seen.look().array, (90, 90, 90, 90)))
        os.kill(writer.pid, signal.SIGKILL)
        until(lambda: "has ended" in seen.look().problem)
        assert Path(f"/proc/{writer.pid}").exists() and not is_alive(writer.pid)
        ring = one_file_module().Writer(name)  # the name is free
        ring.write(np.full((4, 6, 4), 30, np.uint8))
        until(lambda: near(seen.look().array, (30, 30, 30, 30)))
        ring.close()
    finally:
        writer.kill()
        writer.communicate()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (np.arange(8, dtype=np.float32).reshape(1, 8), [0, 1, 2, 3, 4, 5, 6, 7]),
        (np.arange(16, dtype=np.float32).reshape(4, 4), [0, 1, 2, 3, 4, 5, 6, 7]),
        (np.array([[[1.5, 9], [-2, 9]]], np.float16), [1.5, -2] * 4),
        (np.array([[0, 255, 51]], np.uint8), [-1, 1, -0.6, -1, 1, -0.6, -1, 1]),
        (np.array([[np.nan, np.inf, 3, 4]], np.float32), [0, 0, 3, 4] * 2),
    ],
)
def test_shared_memory_is_read_as_numbers(written: np.ndarray, expected: list[float]) -> None:
    ring, name = one_file_module(), shared_name()
    writer = ring.Writer(name)
    writer.write(written, colour="data")
    seen = Watched("shared", name=name, numbers=8)
    until(lambda: seen.look().array is not None)
    assert seen.array is not None
    assert seen.array.dtype == np.float32
    assert seen.array.tolist() == pytest.approx(expected)
    writer.close()


@pytest.mark.parametrize("options", [{"name": "a/b"}, {"name": ""}, {"name": "a", "numbers": 0}])
def test_what_cannot_be_read_from_shared_memory_is_refused(options: dict) -> None:
    with pytest.raises(FeederError):
        OpenFeeder("shared", **options)


@pytest.mark.skipif(importlib.util.find_spec("cyndilib") is None, reason="cyndilib is not installed (the extra ndi)")
def test_ndi_is_received_with_its_transparency_comes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = on_this_machine_alone(tmp_path)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    name = shared_name()
    seen = Watched("ndi", name=name, width=32, height=24)
    until(lambda: f"no sender '{name}'" in seen.look().problem)
    sender = NdiSender(name, environment)
    try:
        sender.send((64, 48), (200, 40, 40, 128))
        until(lambda: near(seen.look().array, (200, 40, 40, 128), 6))
        assert seen.array is not None
        assert seen.array.shape == (24, 32, 4)
        sender.send((32, 96), (30, 180, 60, 255))
        until(lambda: near(seen.look().array, (30, 180, 60, 255), 6))
    finally:
        sender.close()
    until(lambda: seen.look().problem)
    assert near(seen.array, (30, 180, 60, 255), 6)
    sender = NdiSender(name, environment)
    try:
        sender.send((64, 48), (90, 90, 90, 255))
        until(lambda: near(seen.look().array, (90, 90, 90, 255), 6) and not seen.problem)
    finally:
        sender.close()


def test_pictures_fill_the_size() -> None:
    array = np.zeros((48, 64, 3), np.uint8)
    array[:, 8:56] = (200, 100, 50)
    frame = av.VideoFrame.from_ndarray(array, "rgb24")
    assert filling(frame, 64, 48)[24, 32].tolist() == [200, 100, 50, 255]
    cropped = filling(frame, 48, 48)
    assert cropped.shape == (48, 48, 4)
    assert (cropped == (200, 100, 50, 255)).all()
    assert filling(frame, 200, 10).shape == (10, 200, 4)
    pixels = np.full((10, 10, 4), (9, 8, 7, 6), np.uint8)
    assert (filling_rgba(pixels, 5, 20) == (9, 8, 7, 6)).all()
    huge = av.VideoFrame(9000, 2, "rgb24")
    with pytest.raises(FeederError, match="9000"):
        filling(huge, 4, 4)


@pytest.mark.parametrize(
    ("device", "platform", "expected"),
    [
        (None, "linux", ("/dev/video0", "v4l2")),
        (2, "linux", ("/dev/video2", "v4l2")),
        ("2", "linux", ("/dev/video2", "v4l2")),
        ("/dev/v4l/by-id/x", "linux", ("/dev/v4l/by-id/x", "v4l2")),
        (None, "darwin", ("0:none", "avfoundation")),
        ("FaceTime HD Camera", "darwin", ("FaceTime HD Camera:none", "avfoundation")),
        ("Integrated Camera", "win32", ("video=Integrated Camera", "dshow")),
    ],
)
def test_what_a_camera_is_called(device: str | int | None, platform: str, expected: tuple[str, str]) -> None:
    assert source_of(device, platform) == expected


def test_windows_wants_a_name() -> None:
    with pytest.raises(FeederError, match="named"):
        source_of(None, "win32")


def test_an_answer_does_not_wait_longer_than_it_may(tmp_path: Path) -> None:
    says = tmp_path / "says"
    says.write_text("gone")
    feeder = OpenFeeder("odd_feeders.moving", slots=2, says=str(says), width=4, height=4)
    began = time.monotonic()
    answers = [feeder.ask("newest", after=0, seconds=0.01) for _ in range(5)]
    assert all(answer.array is None for answer in answers)
    assert time.monotonic() - began < 5
    feeder.close()
    assert os.getpid()


@pytest.mark.parametrize(
    "text",
    ["", "file:///etc/passwd", "http://a.example/x.m3u8", "udp://127.0.0.1", "udp://127.0.0.1:x", "srt://127.0.0.1",
     "rtsp://me:word@a.example/x", "srt://a.example:9000?passphrase=0123456789", "concat:a|b", "pipe:0"],
)  # fmt: skip
def test_what_is_no_address_of_a_stream_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        stream_address(text)


@needs_ffmpeg
def test_a_stream_is_received_comes_and_goes() -> None:
    port = free_port(socket.SOCK_DGRAM)
    seen = Watched("stream", address=f"udp://127.0.0.1:{port}", width=32, height=24)
    sender = stream_sender(f"udp://127.0.0.1:{port}?pkt_size=1316", "red")
    try:
        until(lambda: near(seen.look().array, (255, 0, 0, 255), 8))
        assert seen.array is not None
        assert seen.array.shape == (24, 32, 4)
    finally:
        sender.kill()
        sender.wait()
    until(lambda: "sends no stream" in seen.look().problem)
    assert near(seen.array, (255, 0, 0, 255), 8)
    sender = stream_sender(f"udp://127.0.0.1:{port}?pkt_size=1316", "blue")
    try:
        until(lambda: near(seen.look().array, (0, 0, 255, 255), 8) and not seen.problem)
    finally:
        sender.kill()
        sender.wait()


@needs_ffmpeg
def test_a_stream_whose_sender_is_started_again_with_another_codec() -> None:
    port = free_port(socket.SOCK_DGRAM)
    address = f"udp://127.0.0.1:{port}?pkt_size=1316"
    seen = Watched("stream", address=f"udp://127.0.0.1:{port}", width=32, height=24)
    for codec, colour, pixel in (("mpeg2video", "red", (255, 0, 0, 255)), ("libx264", "blue", (0, 0, 255, 255))):
        sender = stream_sender(address, colour, codec)
        try:
            until(lambda pixel=pixel: near(seen.look().array, pixel, 8) and not seen.problem)
        finally:
            sender.kill()
            sender.wait()


@pytest.mark.parametrize("kind", ["spout", "syphon"])
def test_what_strict_fakes_share_is_received_comes_and_goes(kind: str, tmp_path: Path) -> None:
    with fakes.installed(kind, tmp_path):
        seen = Watched(kind, name="wall", width=32, height=24)
        until(lambda: "wall" in seen.look().problem)
        shared = np.zeros((24, 32, 4), np.uint8)
        shared[:12], shared[12:] = (200, 40, 40, 128), (30, 180, 60, 255)
        share(tmp_path, shared)
        until(lambda: seen.look().array is not None)
        assert np.array_equal(seen.array, shared), "right way up, right colours"
        assert seen.look().problem == ""
        share(tmp_path, np.full((48, 16, 4), 90, np.uint8))
        until(lambda: near(seen.look().array, (90, 90, 90, 90)))
        (tmp_path / "wall.npy").unlink()
        until(lambda: seen.look().problem)
        assert near(seen.array, (90, 90, 90, 90))
        share(tmp_path, shared)
        until(lambda: np.array_equal(seen.look().array, shared) and not seen.problem)


def share(folder: Path, picture: np.ndarray) -> None:
    np.save(folder / ".part.npy", picture)
    (folder / ".part.npy").replace(folder / "wall.npy")


@pytest.mark.parametrize(("kind", "word"), [("spout", "Spout"), ("syphon", "Syphon")])
def test_what_another_system_has_is_missed_with_a_word(kind: str, word: str) -> None:
    if importlib.util.find_spec({"spout": "SpoutGL", "syphon": "syphon"}[kind]) is not None:
        pytest.skip("it is installed")
    seen = Watched(kind, name="wall", width=8, height=8)
    until(lambda: f"{word} is not installed" in seen.look().problem)
