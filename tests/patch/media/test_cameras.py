"""Cameras: FFmpeg's own test source and films stand in for one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import InputContainer

from ganzfeld.engine.engine import Engine
from ganzfeld.errors import PatchError
from ganzfeld.patch.media import cameras
from ganzfeld.patch.media.cameras import Camera, filling, source_of
from ganzfeld.values.time import Moment
from numbered_film import HEIGHT, WIDTH, read_number, write_film
from waiting import until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cameras, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(cameras, "TRY_AGAIN_SECONDS", 0.05)
    yield
    for thread in threading.enumerate():
        if thread.name == "ganzfeld-camera":
            thread.join(10)
            assert not thread.is_alive()


def play(engine: Engine, text: str) -> Callable[[], np.ndarray]:
    engine.load(text)
    return lambda: engine.frame(Moment(0, 0, 0, 0, 0, 120))["out"].numpy()


def test_a_camera_shows_its_newest_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def moving(*wishes: object) -> InputContainer:
        asked.append(wishes)
        return av.open("testsrc=size=320x240:rate=60,realtime", format="lavfi")

    monkeypatch.setattr(cameras, "open_camera", moving)
    engine = Engine(device="cpu")
    frame = play(engine, "out(camera(1, size=(160, 120), fps=60))")
    shown = frame()
    assert shown.shape == (120, 160, 4)
    until(lambda: frame()[..., :3].std() > 40)
    first = frame().copy()
    until(lambda: not np.array_equal(frame(), first))
    assert not engine.problems
    assert asked == [(1, 160, 120, 60.0)]
    # Another patch that shows the same camera does not open it again.
    one = "camera(1, size=(160, 120), fps=60)"
    frame = play(engine, f"out(mix({one}, {one}))")
    until(lambda: frame()[..., :3].std() > 40)
    assert len(asked) == 1
    engine.close()


def test_a_camera_that_is_not_there_is_a_problem_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras.sys, "platform", "linux")
    missing = tmp_path / "video9"
    engine = Engine(device="cpu")
    frame = play(engine, f"out(camera({str(missing)!r}))")
    assert (frame() == (0, 0, 0, 255)).all()
    until(lambda: frame() is not None and bool(engine.problems))
    assert "video9" in str(engine.problems[0])
    assert "plugged in" in engine.problems[0].hint
    assert (frame() == (0, 0, 0, 255)).all()
    engine.close()


def test_a_camera_that_comes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write_film(tmp_path / "a.mp4", 10)
    plugged_in = threading.Event()

    def opener(*wishes: object) -> InputContainer:
        if not plugged_in.is_set():
            raise PatchError("The camera is gone")
        return av.open(str(film))

    monkeypatch.setattr(cameras, "open_camera", opener)
    camera = Camera(None, WIDTH, HEIGHT, 30)
    until(lambda: camera.picture() is not None and camera.problem is not None)
    assert camera.picture()[..., :3].max() == 0
    plugged_in.set()
    until(lambda: read_number(camera.picture()) == 9)  # the film ends: that is a camera that was unplugged
    plugged_in.clear()
    until(lambda: "gone" in str(camera.problem) and camera.picture() is not None)
    assert read_number(camera.picture()) == 9  # its last picture stays


def test_a_camera_is_closed_when_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[InputContainer] = []

    def opener(*wishes: object) -> InputContainer:
        opened.append(av.open("testsrc=size=64x48:rate=100,realtime", format="lavfi"))
        return opened[-1]

    monkeypatch.setattr(cameras, "open_camera", opener)
    camera = Camera(None, 64, 48, 30)
    camera.picture()
    until(lambda: camera._thread is None)
    camera.picture()
    until(lambda: len(opened) == 2)


def test_pictures_fill_the_size(tmp_path: Path) -> None:
    array = np.zeros((48, 64, 3), np.uint8)
    array[:, 8:56] = (200, 100, 50)
    frame = av.VideoFrame.from_ndarray(array, "rgb24")
    assert filling(frame, 64, 48)[24, 32].tolist() == [200, 100, 50, 255]
    cropped = filling(frame, 48, 48)
    assert cropped.shape == (48, 48, 4)
    assert (cropped == (200, 100, 50, 255)).all()
    assert filling(frame, 200, 10).shape == (10, 200, 4)


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
    with pytest.raises(PatchError, match="named"):
        source_of(None, "win32")


@pytest.mark.parametrize("arguments", ["-1", "True", "''", "0, size=(0, 1)", "0, size=5", "0, fps=0"])
def test_nonsense_is_refused(arguments: str) -> None:
    with pytest.raises(PatchError):
        Engine(device="cpu").load(f"out(camera({arguments}))")
