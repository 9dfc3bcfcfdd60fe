"""What is looked at comes from the render process in a session of its own, also after it was replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from fake_engine import fake_dependencies
from ganzfeld.process.atlas_store import ShownAtlas, atlas_session
from ganzfeld.process.messages import AtlasLaidOut
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.frames import FrameReader, FrameWriter
from ganzfeld.values.looking import CellPlace, CellView

PATIENCE = 30.0


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Supervisor]:
    file = tmp_path / "a.ganz"
    file.write_text("grey 7\n")
    with Supervisor(file, prepare=fake_dependencies) as show:
        assert show.wait(-1, PATIENCE) is not None
        yield show
    folder = Path("/dev/shm")
    assert not folder.exists() or list(folder.glob(f"{show.session}*")) == []


def shown(show: Supervisor, *views: CellView) -> ShownAtlas:
    number = -1
    while (atlas := show.atlas(number, PATIENCE)) is not None:
        if atlas.views == views:
            return atlas
        number = atlas.number
    raise AssertionError("no atlas")


def test_who_looks_sees_pictures_and_numbers_of_one_frame(show: Supervisor):
    one, other = CellView("node", "a", size=64), CellView("node", "b", size=70)
    show.look([one, other])
    atlas = shown(show, one, other)
    assert [int(atlas.image[0, place, 0]) for place in (0, 1)] == [64, 70]
    assert [cell.numbers for cell in atlas.cells] == [(ord("a"),), (ord("b"),)]
    assert atlas.image.shape[0] == 1, "the numbers are not shown"
    newer = show.atlas(atlas.number, PATIENCE)
    assert newer is not None
    assert newer.number > atlas.number
    assert newer.t > atlas.t


def test_a_render_that_takes_over_shows_the_same(show: Supervisor):
    view = CellView("node", "a", size=64)
    show.look([view])
    before = shown(show, view)
    pid = show.render_pid
    assert pid is not None
    psutil.Process(pid).kill()
    number = before.number
    while show.render_pid in (None, pid) or number == before.number:
        atlas = show.atlas(number, PATIENCE)
        assert atlas is not None
        assert atlas.cells[0].numbers == (ord("a"),)
        number = atlas.number


def test_nobody_looks_and_there_is_no_atlas(show: Supervisor):
    with pytest.raises(FileNotFoundError):
        FrameReader(atlas_session(show.session), "atlas")
    assert show.atlas(-1, 0.0) is None
    view = CellView("node", "a")
    show.look([view])
    atlas = shown(show, view)
    show.look([])
    while (newer := show.atlas(atlas.number, 0.5)) is not None:
        atlas = newer
    assert show._store.outputs() == ["out"], "it is no output of the show"


def test_what_cannot_be_read_is_passed_over(show: Supervisor):
    """Numbers of no layout, and a layout that does not fit."""
    show._atlas.ask([CellView("node", "a")])
    writer = FrameWriter(atlas_session(show.session))

    def fill(pixels: np.ndarray) -> None:
        pixels[...] = 255

    writer.publish("atlas", 4, 2, fill, frame=1, t=0.0)
    show._atlas.laid_out(AtlasLaidOut(5, (), (CellPlace(),), shown=1, rows=9))
    assert show.atlas(-1, 0.05) is None
    numbers = np.array([5, np.nan, np.inf, 3], np.float32)

    def fill_numbers(pixels: np.ndarray) -> None:
        pixels[1:] = numbers.view(np.uint8).reshape(1, 4, 4)

    writer.publish("atlas", 4, 2, fill_numbers, frame=2, t=0.0)
    show._atlas.laid_out(AtlasLaidOut(5, (), (CellPlace(numbers=1, count=3, channels=1, chosen=3),), shown=1, rows=1))
    atlas = show.atlas(-1, PATIENCE)
    writer.close()
    assert atlas is not None
    assert atlas.cells[0].numbers == (0.0, 0.0, 3.0)
    assert atlas.cells[0].channels == (0, 0, 3)
