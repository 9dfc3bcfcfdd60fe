"""Doors of a show: what goes wrong with them, and with what is around them."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

from door_stage import KINDS, Stage, shared_blocks
from fake_engine import GREY, fake_dependencies
from far_ends.null import Folder
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.route import Route
from ganzfeld.process import door_child
from ganzfeld.process.routing import Routing
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.status import Problem
from waiting import until


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.close()
    assert shared_blocks(stage.store.session) == []


@pytest.fixture
def far(tmp_path):
    return Folder(tmp_path)


def mean(far: Folder) -> float:
    picture = far.newest()
    return -1 if picture is None else float(picture[..., :3].mean())


def test_a_door_that_is_refused_is_tried_after_growing_pauses(stage, far, monkeypatch):
    monkeypatch.setattr(door_child, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(door_child, "LONGEST_PAUSE", 0.2)
    name = stage.doors.open(far.route + ",behave=refuse")
    door = stage.doors._doors[name]
    pauses = []
    until(lambda: pauses.append(door._backoff.next) or door.restarts >= 4)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 0.2
    status = stage.status(name)
    assert status.problem == Problem("the far end said no", "Ask again")
    assert (far.folder / "closed").exists(), "it is closed after a failed opening, too"
    stage.doors.change(name, {"behave": ""})
    until(lambda: stage.status(name).state == "open")
    assert stage.status(name).problem is None


def test_a_door_that_ends_for_good_is_not_started_again_until_somebody_asks(stage, far):
    name = stage.doors.open(far.route + ",behave=finish")
    until(lambda: stage.publish((1, 2, 3, 255)) and stage.status(name).state == "ended")
    assert stage.status(name).problem == Problem("the disk is full")
    assert (stage.status(name).restarts, stage.doors.pid(name)) == (0, None)
    stage.doors.change(name, {"behave": ""})
    stage.doors.command(name, "again")
    until(lambda: stage.status(name).state == "open")


def test_a_far_end_that_is_not_there_is_waited_for(stage, far):
    name = stage.doors.open(far.route + ",behave=waits")
    until(lambda: stage.status(name).state == "waiting")
    assert stage.status(name).note == "the file 'there'"
    assert stage.status(name).problem is None
    (far.folder / "there").touch()
    until(lambda: stage.status(name).state == "open")
    assert stage.status(name).note == "it is there"


def test_commands_reach_the_door_and_so_do_its_answers(stage, far):
    kept: list[tuple] = []
    stage.doors.keep = lambda name, options: kept.append((name, dict(options)))
    name = stage.doors.open(far.route)
    until(lambda: stage.status(name).state == "open")
    stage.doors.command(name, "touch", "hello")
    until(lambda: (far.folder / "hello").exists())
    stage.doors.command(name, "pin", 25)
    until(lambda: kept == [(name, {"rate": 25.0})])
    stage.doors.command(name, "dance")
    problem = until(lambda: stage.status(name).problem)
    assert "knows no command 'dance'" in problem.what
    stage.doors.command(name, "pin", -25)
    stage.doors.command(name, "touch", "after")
    until(lambda: (far.folder / "after").exists())
    assert len(kept) == 1, "what its options would not take is not kept"
    psutil.Process(stage.doors.pid(name)).kill()
    until(lambda: stage.status(name).restarts == 1 and stage.status(name).state == "open")


def test_each_door_shows_its_picture_and_the_main_one_may_change(stage, tmp_path):
    folders = {}
    for which in ("main", "wall"):
        (tmp_path / which).mkdir()
        folders[which] = Folder(tmp_path / which)
    main = stage.doors.open(folders["main"].route)
    wall = stage.doors.open(f"wall={folders['wall'].route}")
    assert (main, wall) == ("null", "wall")

    def publish() -> bool:
        stage.publish((10, 10, 10, 255))
        stage.publish((90, 90, 90, 255), output="wall")
        return True

    until(lambda: publish() and (mean(folders["main"]), mean(folders["wall"])) == (10, 90))
    stage.doors.outputs(("wall",))
    until(lambda: publish() and mean(folders["main"]) == 90)
    stage.doors.outputs(("out",))
    until(lambda: publish() and mean(folders["main"]) == 10)
    problem = until(lambda: stage.status(wall).problem)
    assert "the patch has no output 'wall'" in problem.what
    assert mean(folders["wall"]) == 90, "its last picture stays"


def test_a_name_stands_for_a_door_or_for_all_doors_of_an_output(stage, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        picture = "" if name == "c" else "wall"
        stage.doors.open(Route("null", picture, name, {"target": str(tmp_path / name)}))
    stage.master.turn("/master/wall/level", 0.5)
    stage.master.turn("/master/c/black", 1)
    assert [(status.level, status.black) for status in stage.doors.statuses()] == [(0.5, 0), (0.5, 0), (1, 1)]
    stage.doors.close_door("c")
    until(lambda: not stage.doors._closing)
    (name,) = [stage.doors.open(Route("null", "", "d", {"target": str(tmp_path / "c")}))]
    assert stage.status(name).black == 0, "who takes its row begins anew"


def test_more_doors_than_there_may_be_are_refused(stage, far):
    stage.doors.look = lambda: None
    for _ in range(16):
        stage.doors.open(Route("null", options={"target": str(far.folder)}))
    with pytest.raises(OutputError, match="at most 16 doors"):
        stage.doors.open("null")
    assert len({status.name for status in stage.doors.statuses()}) == 16
    for call in (stage.doors.close_door, stage.doors.pid, lambda name: stage.doors.change(name, {})):
        with pytest.raises(OutputError, match="no door 'nul'"):
            call("nul")


def test_a_kind_that_is_missing_here_says_what_mends_it(stage, monkeypatch):
    missing = Problem("the package nothing is missing", 'pip install "ganzfeld[nothing]"')
    monkeypatch.setattr(KINDS["null"], "missing", classmethod(lambda cls: missing))
    with pytest.raises(OutputError) as caught:
        stage.doors.open("null")
    assert caught.value.hint == missing.hint


def test_rings_have_room_for_all_who_look(stage, tmp_path):
    stage.doors.look = lambda: None  # none of them needs a process
    stage.publish((1, 1, 1, 255))
    for name in "abcdefgh":
        stage.doors.open(Route("null", "wall" if name == "h" else "", name, {"target": str(tmp_path / name)}))
    stage.publish((1, 1, 1, 255))
    ring = stage.writer._rings[0].ring
    assert ring.slots == 8, "seven doors and a viewer, but eight slots at most"
    for name in "abcd":
        stage.doors.close_door(name)
    stage.publish((1, 1, 1, 255))
    assert stage.writer._rings[0].ring is ring, "a ring that is large enough stays"


def test_a_show_with_doors_one_of_which_dies_with_the_render(tmp_path, monkeypatch):
    monkeypatch.setattr(door_child, "FIRST_PAUSE", 0.05)
    patch = tmp_path / "a.ganz"
    patch.write_text("grey 7\n")
    far = Folder(tmp_path)
    show = Supervisor(patch, prepare=fake_dependencies)
    show.doors = Routing(show._store, KINDS)
    name = show.doors.open(far.route)
    with show:

        def grey() -> int:
            picture = far.newest()
            return -1 if picture is None else int(picture[0, GREY, 0])

        until(lambda: grey() == 7)
        status = until(lambda: show.status().doors[0] if show.status().doors[0].state == "open" else None)
        assert (status.name, status.to, status.problem) == (name, f"null:{far.folder}", None)
        door = psutil.Process(show.doors.pid(name))
        for process in (psutil.Process(show.render_pid), door):
            process.kill()
        patch.write_text("grey 9\n")
        until(lambda: grey() == 9)
        assert show.turn("/master/level", 0.0)
        until(lambda: not np.any(far.newest()[..., :3]))
        assert show.status().master.level == 0
        show.doors.master.controls = {"/midi/cc/1/7": "/master/level", "/midi/note/1/60": "/master/black"}
        show.set("/midi/cc/1/7", 1.0)
        until(lambda: grey() == 9)
        show.hit("/midi/note/1/60", 0.8)
        until(lambda: grey() == 0)
        show.hit("/master/black")
        until(lambda: grey() == 9)
        assert show.status().doors[0].restarts == 1
    assert show.doors.statuses() == ()


def test_the_show_is_rendered_as_often_as_the_most_demanding_door_asks_for(tmp_path, monkeypatch):
    monkeypatch.setattr(door_child, "FIRST_PAUSE", 0.05)
    patch = tmp_path / "a.ganz"
    patch.write_text("fps 5\n")
    show = Supervisor(patch, prepare=fake_dependencies)
    show.doors = Routing(show._store, KINDS)
    fast, slow = (show.doors.open(Route("null", "", name, {"target": str(tmp_path)})) for name in ("fast", "slow"))
    show.doors.change(slow, {"rate": 2.0})
    assert show.doors.highest_rate == 2
    show.doors.change(fast, {"rate": 20.0})
    with show:
        until(lambda: show.status().fps > 12, "the door's rate, from the first frame on")
        until(lambda: show.status().doors[1].shown > 2)
        first = show.render_pid
        psutil.Process(first).kill()
        killed_at = time.perf_counter()
        until(lambda: show.render_pid not in (None, first))
        until(lambda: show.status().at > killed_at and show.status().fps > 12, "who took over knows it, too")
        show.doors.close_door(fast)
        until(lambda: 0 < show.status().fps < 8, "the patch's own again")
        show.doors.change(slow, {"rate": 30.0})
        until(lambda: show.status().fps > 12)
