"""What every kind of door goes through: hung, killed, slow, other sizes, transparency, a render that starts again."""

from __future__ import annotations

import signal

import numpy as np
import psutil
import pytest

from door_stage import KINDS
from far_ends import FarEnd, far_ends
from waiting import until

GREY, RED, GREEN = (90, 90, 90, 255), (200, 40, 40, 255), (30, 180, 60, 255)
WIDE, TALL = (64, 48), (32, 96)


@pytest.fixture(params=sorted(KINDS))
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def far_end(kind, tmp_path):
    assert kind.type in far_ends(), f"give the kind '{kind.type}' a far end in tests/support/far_ends"
    folder = tmp_path / "far"
    folder.mkdir()
    far_end = far_ends()[kind.type](folder)
    if (missing := kind.missing()) is not None:
        far_end.close()
        pytest.skip(f"{missing.what}: {missing.hint}")
    yield far_end
    far_end.close()


@pytest.fixture
def door(stage, far_end) -> str:
    name = stage.doors.open(far_end.route)
    until(lambda: stage.status(name).state == "open")
    return name


def shows(stage, far_end: FarEnd, colour, size=WIDE, publish=None) -> bool:
    """Whether the colour arrived; it is published until it did."""
    if publish is not False:
        stage.publish(publish or colour, size)
    picture = far_end.newest()
    if picture is None or not (far_end.scales or (picture.shape[1], picture.shape[0]) == size):
        return False
    channels = 4 if far_end.has_alpha else 3
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2, :channels].astype(int)
    return bool((np.abs(middle - np.array(colour[:channels])) <= far_end.tolerance).all())


def arrives(stage, far_end: FarEnd, colour, size=WIDE, publish=None) -> None:
    until(lambda: shows(stage, far_end, colour, size, publish))


def test_pictures_arrive_whole_and_in_every_size(stage, far_end, door):
    if far_end.after_close:
        pytest.skip("its own test looks into what it wrote")
    arrives(stage, far_end, GREY)
    arrives(stage, far_end, RED)
    arrives(stage, far_end, GREEN, TALL)
    arrives(stage, far_end, RED)
    until(lambda: (stage.status(door).width, stage.status(door).height) == WIDE)
    assert stage.status(door).shown > 0
    assert (stage.status(door).problem, stage.status(door).restarts) == (None, 0)


def test_transparency_means_what_the_far_end_takes(stage, far_end, kind, door):
    if far_end.after_close:
        pytest.skip("its own test looks into what it wrote")
    expected = {
        "straight": (200, 40, 40, 128),
        "premultiplied": (100, 20, 20, 128),
        "opaque": (100, 20, 20, 255),
    }[kind.alphas[0]]
    arrives(stage, far_end, expected, publish=(200, 40, 40, 128))


def test_it_is_killed_and_comes_back(stage, far_end, door):
    stage.publish(GREY)
    psutil.Process(stage.doors.pid(door)).kill()
    until(lambda: stage.status(door).restarts == 1 and stage.status(door).state == "open")
    if not far_end.after_close:
        arrives(stage, far_end, RED)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signal that stops a process")
def test_it_hangs_and_nothing_else_does(stage, far_end, kind, door, monkeypatch):
    other = stage.doors.open("null:" + str(far_end.folder.parent))
    until(lambda: stage.status(other).state == "open")
    stage.publish(GREY)
    hung = psutil.Process(stage.doors.pid(door))
    hung.suspend()
    for _ in range(200):
        stage.publish(GREEN)
    assert stage.publish(GREEN) is not None, "a reader that hangs holds one slot, and the writer has others"
    before = stage.status(other).shown
    until(lambda: stage.publish(GREEN) is not None and stage.status(other).shown > before)
    monkeypatch.setattr(kind, "patience", 1.0)
    until(lambda: not hung.is_running())
    monkeypatch.undo()
    until(lambda: stage.status(door).restarts >= 1 and stage.status(door).state == "open")
    if not far_end.after_close:
        arrives(stage, far_end, RED)


def test_the_render_starts_again(stage, far_end, door):
    if far_end.after_close:
        pytest.skip("its own test looks into what it wrote")
    arrives(stage, far_end, GREY)
    stage.restart_render()
    arrives(stage, far_end, RED)
    stage.restart_render()
    arrives(stage, far_end, GREEN, TALL)
    assert stage.status(door).restarts == 0


def test_the_master_works_without_a_render(stage, far_end, kind, door):
    if far_end.after_close or not kind.live:
        pytest.skip("it stays clean")
    arrives(stage, far_end, RED)
    stage.writer.close()
    stage.master.turn("/master/black", 1)
    arrives(stage, far_end, (0, 0, 0, 255), publish=False)
    stage.master.turn("/master/black", [0, 0.05])
    arrives(stage, far_end, RED, publish=False)
    stage.master.turn(f"/master/{door}/level", 0.5)
    arrives(stage, far_end, (100, 20, 20, 255), publish=False)
    stage.master.turn(f"/master/{door}/level", 1)
    stage.restart_render()
    stage.master.turn("/master/freeze")
    shown = stage.status(door).shown
    for _ in range(20):
        stage.publish(GREEN)
    stage.master.turn("/master/freeze", 0)
    arrives(stage, far_end, GREEN, publish=False)
    assert stage.status(door).shown >= shown


def test_it_is_changed_and_closed_while_the_show_plays(stage, far_end, door):
    stage.publish(GREY)
    stage.doors.change(door, {"region": [8, 8, 16, 16], "rate": 30})
    if not far_end.after_close:
        until(lambda: shows(stage, far_end, RED, (16, 16), publish=False) or not stage.publish(RED))
    pid = stage.doors.pid(door)
    stage.doors.close_door(door)
    until(lambda: not psutil.pid_exists(pid))
    assert door not in {status.name for status in stage.doors.statuses()}
    until(lambda: far_end.leftovers() == [])


def test_it_is_killed_while_it_closes(stage, far_end, door):
    stage.publish(GREY)
    process = psutil.Process(stage.doors.pid(door))
    process.suspend()
    stage.doors.close_door(door)
    process.kill()
    until(lambda: far_end.leftovers() == [] and not process.is_running())
