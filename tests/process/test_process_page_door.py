"""The doors of clean pages: rows of the master, numbers, and how they are listed."""

from __future__ import annotations

import numpy as np
import pytest

from door_stage import Stage, shared_blocks
from ganzfeld.errors import OutputError
from ganzfeld.values.master import MOST_DOORS
from waiting import until

GREY, RED = (100, 100, 100, 255), (200, 40, 40, 128)


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.close()
    assert shared_blocks(stage.store.session) == []


def colour(page) -> tuple[int, ...]:
    return tuple(page.wait(-1, 5).image[0, 0].tolist())


def test_pages_of_an_output_share_a_door(stage) -> None:
    page, wall = stage.doors.page(""), stage.doors.page("wall")
    assert stage.doors.page("") is page and page is not wall
    stage.publish(GREY)
    stage.publish(RED, (32, 16), output="wall")
    assert colour(page) == GREY and colour(wall) == RED
    told = stage.status("page-wall")
    assert (told.type, told.picture, told.to, told.state) == ("page", "wall", "page:/output?name=wall", "waiting")
    wall.watched(2)
    wall.shown()
    told = stage.status("page-wall")
    assert (told.state, told.note, told.shown, told.width, told.height) == ("open", "2 pages", 1, 32, 16)
    assert stage.status("page").state == "waiting"


def test_there_is_no_door_for_an_output_that_is_not_there(stage) -> None:
    assert stage.doors.page("floor") is None
    stage.doors.outputs(("out", "floor"))
    page = stage.doors.page("floor")
    assert page is not None
    stage.doors.outputs(("out",))
    assert "no output 'floor'" in stage.status("page-floor").problem.what


def test_the_main_output_may_become_another_one(stage) -> None:
    page = stage.doors.page("")
    stage.publish(GREY)
    first = page.wait(-1, 5)
    stage.publish(RED, output="wall")
    stage.doors.outputs(("wall", "out"))
    until(lambda: colour(page) == RED)
    assert page.wait(first.number, 5).number > first.number


def test_the_master_reaches_pages(stage) -> None:
    page, wall = stage.doors.page(""), stage.doors.page("wall")
    stage.publish(GREY)
    stage.publish(GREY, output="wall")
    before = wall.wait(-1, 5).number
    stage.master.black(1, door="wall")
    dark = wall.wait(before, 5)  # another number, of the same picture
    assert tuple(dark.image[0, 0]) == (0, 0, 0, 255) and colour(page) == GREY
    assert stage.status("page-wall").black == 1
    stage.master.level(0.5)
    until(lambda: np.abs(page.wait(-1, 5).image[0, 0, :3].astype(int) - 50).max() <= 1)
    stage.master.level(1)
    stage.master.freeze(True, door="page")
    frozen = page.wait(-1, 5).number
    stage.publish(RED)
    assert page.wait(frozen, 0.1) is None
    stage.master.freeze(False, door="page")
    until(lambda: colour(page) == RED)


def test_a_page_is_closed_in_its_browser(stage) -> None:
    stage.doors.page("")
    with pytest.raises(OutputError, match="browser"):
        stage.doors.close_door("page")


def test_pages_that_nobody_watches_give_way(stage) -> None:
    names = tuple(f"o{number}" for number in range(MOST_DOORS + 1))
    stage.doors.outputs(names)
    pages = [stage.doors.page(name) for name in names[:-1]]
    for page in pages[1:]:
        page.watched(1)
    last = stage.doors.page(names[-1])
    assert last is not None and last.row == pages[0].row
    assert pages[0].wait(-1, 0) is None
    last.watched(1)
    assert stage.doors.page(names[0]) is None
    with pytest.raises(OutputError, match="at most"):
        stage.doors.open("null")
