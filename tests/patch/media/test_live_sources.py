"""Sources that send by themselves: the newest picture wins, a lost one stays and comes back, nobody waits."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.errors import PatchError
from ganzfeld.feeders import service
from ganzfeld.feeders.service import child_pids, end_children
from ganzfeld.outputs.doors.live_stream import ffmpeg_program
from ganzfeld.patch.media import live_sources
from ganzfeld.patch.media.live_sources import LiveSource, nothing
from ganzfeld.patch.nodes import node_types
from ganzfeld.values.time import Moment
from stream_listener import free_port, stream_sender
from waiting import until

MOVING = "odd_feeders.moving"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(live_sources, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(live_sources, "TRY_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(service, "PAUSES", (0.0, 0.05))
    yield
    for thread in threading.enumerate():
        if thread.name.removeprefix("ganzfeld-") in (MOVING, "camera", "stream"):
            thread.join(10)
            assert not thread.is_alive()
    end_children()


@pytest.fixture
def says(tmp_path: Path) -> Path:
    path = tmp_path / "says"
    say(path, "count")
    return path


def say(path: Path, word: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(word)
    part.replace(path)


def source(says: Path) -> LiveSource:
    return LiveSource(MOVING, nothing(8, 4), says=str(says), width=8, height=4)


def test_the_newest_picture_wins_and_stays_the_same_object_while_there_is_no_newer(says: Path) -> None:
    moving = source(says)
    assert (moving.newest() == (0, 0, 0, 255)).all()
    first = until(lambda: int(moving.newest()[0, 0, 0]))
    until(lambda: int(moving.newest()[0, 0, 0]) > first + 3)
    say(says, "gone")
    until(lambda: moving.newest() is not None and moving.problem)
    assert moving.newest() is moving.newest()
    assert not moving.newest().flags.writeable


def test_a_lost_source_keeps_its_last_picture_says_so_and_comes_back(
    says: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = source(says)
    say(says, "red")
    until(lambda: (moving.newest() == (255, 0, 0, 255)).all())
    say(says, "gone")
    problem = until(lambda: moving.newest() is not None and moving.problem)
    assert "gone" in problem.what
    assert problem.hint == "Bring it back"
    assert (moving.newest() == (255, 0, 0, 255)).all()
    say(says, "count")
    until(lambda: moving.newest()[0, 0, 1] == 7 and moving.problem is None)


def test_one_whose_process_dies_comes_back(says: Path) -> None:
    moving = source(says)
    say(says, "red")
    until(lambda: (moving.newest() == (255, 0, 0, 255)).all())
    say(says, "die")
    until(lambda: moving.newest() is not None and moving.problem is not None)
    assert (moving.newest() == (255, 0, 0, 255)).all()
    say(says, "count")
    until(lambda: moving.newest()[0, 0, 1] == 7 and moving.problem is None)


def test_it_is_closed_when_nobody_looks_and_opened_again(says: Path) -> None:
    moving = source(says)
    until(lambda: moving.newest()[0, 0, 0])
    until(lambda: moving._thread is None)
    before = moving._array
    until(lambda: moving.newest() is not before)


def test_a_node_shows_it_and_a_network_is_led_by_it(says: Path, small_network: Path, monkeypatch) -> None:
    asked, before = [], set(child_pids())

    def moving(self, context) -> tuple[str, dict]:
        asked.append(context.path)
        return MOVING, {"says": str(says)}

    monkeypatch.setattr(node_types()["camera"], "source", moving)
    engine = Engine(device="cpu")
    say(says, "red")
    frame = playing(engine, "out(camera(1, size=(16, 12), fps=60))")
    assert frame().shape == (12, 16, 4)
    until(lambda: (frame() == (255, 0, 0, 255)).all())
    assert not engine.problems
    # Another patch that shows the same camera does not open it again.
    one = "camera(1, size=(16, 12), fps=60)"
    frame = playing(engine, f"a = {one}\nb = {one}\nout(mix(a, b))")
    assert (frame() == (255, 0, 0, 255)).all()
    say(says, "gone")
    until(lambda: frame() is not None and engine.problems)
    assert "gone" in str(engine.problems[0])
    say(says, "count")
    face = f"network({str(small_network)!r}, latent=sample({one}))"
    frame = playing(engine, f"out({face})")
    first = frame().copy()
    until(lambda: not np.array_equal(frame(), first))
    engine.close()
    assert len(set(child_pids()) - before) <= 2


def playing(engine: Engine, text: str) -> Callable[[], np.ndarray]:
    engine.load(text)
    return lambda: engine.frame(Moment(0, 0, 0, 0, 0, 120))["out"].numpy()


def test_a_camera_that_is_not_there_is_a_problem_and_no_more(tmp_path: Path) -> None:
    engine = Engine(device="cpu")
    frame = playing(engine, f"out(camera({str(tmp_path / 'video9')!r}))")
    assert (frame() == (0, 0, 0, 255)).all()
    until(lambda: frame() is not None and bool(engine.problems))
    assert "video9" in str(engine.problems[0])
    assert "plugged in" in engine.problems[0].hint
    assert (frame() == (0, 0, 0, 255)).all()
    engine.close()


@pytest.mark.parametrize(
    "call",
    ["camera(-1)", "camera(True)", "camera('')", "camera(0, size=(0, 1))", "camera(0, size=5)", "camera(0, fps=0)",
     "ndi(3)", "ndi('x' + chr(10))", "ndi('x', size=(9000, 1))", "shared('a b')", "shared('../x')", "shared(5)"],
)  # fmt: skip
def test_nonsense_is_refused(call: str) -> None:
    with pytest.raises(PatchError):
        Engine(device="cpu").load(f"out({call})")


def test_a_patch_alone_reaches_no_machine() -> None:
    text = "out(stream('udp://10.1.2.3:5000', size=(8, 8)))"
    with pytest.raises(PatchError, match=r"may not reach 10\.1\.2\.3") as caught:
        Engine(device="cpu").load(text)
    assert "--allow-source 10.1.2.3" in caught.value.hint
    with pytest.raises(PatchError):
        Engine(device="cpu", sources=["10.1.2.4"]).load(text)
    engine = Engine(device="cpu", sources=["10.1.2.3"])
    engine.load(text)
    engine.close()
    replay = Engine(device="cpu", replays=True)
    replay.load(text)
    replay.close()


@pytest.mark.skipif(not ffmpeg_program(), reason="the program ffmpeg has no SRT")
def test_srt_comes_through_ffmpeg_which_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sources, "IDLE_SECONDS", 3.0)
    port = free_port(socket.SOCK_DGRAM)
    address = f"srt://127.0.0.1:{port}?mode=listener"
    live = LiveSource("stream", nothing(32, 24), address=address, width=32, height=24)
    live.newest()
    sender = None
    try:
        until(lambda: live.newest() is not None and mine(address))
        relays = mine(address)
        sender = stream_sender(f"srt://127.0.0.1:{port}?mode=caller", "red")
        until(lambda: live.newest()[12, 16, 0] > 240)
        relays[0].kill()
        until(lambda: live.newest() is not None and [each for each in mine(address) if each not in relays])
        assert live.newest()[12, 16, 0] > 240
        relays = mine(address)
    finally:
        if sender is not None:
            sender.kill()
            sender.wait()
    monkeypatch.setattr(live_sources, "IDLE_SECONDS", 0.1)
    until(lambda: live._thread is None)
    assert not any(process.is_running() for process in relays)


def mine(address: str) -> list[psutil.Process]:
    """The programs that receive from there."""
    found = []
    for each in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if each.name() == "ffmpeg" and address in each.cmdline():
                found.append(each)
    return found
