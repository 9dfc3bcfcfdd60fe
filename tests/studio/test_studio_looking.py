"""What pages look at is asked of the show together, and each is sent its own, as fast as it draws."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
import simplejpeg

from fake_show import FakeShow, flat
from ganzfeld.studio.looking import MOST_BYTES, TOO_MANY, Looking, as_jpeg
from ganzfeld.studio.wire import ViewOfPage
from ganzfeld.values.looking import MOST_VIEWS, CellShown, CellView

FACE, NOISE = CellView("node", "face"), CellView("layer", "face", layer="b8", channels=(1, 2), size=64)
CELLS = {
    FACE: CellShown(0, 0, 16, 16),
    NOISE: CellShown(16, 0, 16, 8, channels=(1, 2), numbers=(0.5, 0.25)),
}


def asked(number: int, view: CellView) -> dict[str, Any]:
    return {"id": number, **msgspec.to_builtins(view)}


def push(show: FakeShow, grey: int = 90) -> None:
    show.push_atlas(flat(grey, 32, 16), list(CELLS), list(CELLS.values()))


def test_a_page_is_sent_what_it_looks_at_by_its_own_numbers(show, view):
    with view() as page:
        page.say(kind="look", views=[asked(7, NOISE), asked(3, FACE)])
        assert show.looks_at(NOISE, FACE)
        push(show)
        atlas = page.hear("atlas")
        assert {cell["id"]: cell["x"] for cell in atlas["cells"]} == {7: 16, 3: 0}
        mine = next(cell for cell in atlas["cells"] if cell["id"] == 7)
        assert (mine["width"], mine["height"], mine["channels"], mine["numbers"]) == (16, 8, [1, 2], [0.5, 0.25])
        picture = simplejpeg.decode_jpeg(atlas["jpeg"])
        assert picture.shape == (16, 32, 3)
        assert abs(int(picture.mean()) - 90) < 3


def test_the_next_atlas_comes_when_this_one_is_drawn_and_it_is_the_newest(show, view):
    with view() as page:
        page.say(kind="look", views=[asked(0, FACE)])
        assert show.looks_at(FACE)
        push(show)
        first = page.hear("atlas")
        for grey in (10, 20, 30):
            push(show, grey)
        assert page.hears_no("atlas")
        page.say(kind="drawn", number=first["number"])
        newest = page.hear("atlas")
        assert newest["number"] == first["number"] + 3
        page.say(kind="drawn", number=newest["number"])
        assert page.hears_no("atlas"), "none newer"


def test_to_look_away_and_back_is_no_way_to_more(show, view):
    with view() as page:
        page.say(kind="look", views=[asked(1, FACE)])
        assert show.looks_at(FACE)
        push(show)
        number = page.hear("atlas")["number"]
        page.say(kind="look", views=[])
        assert show.looks_at()
        page.say(kind="look", views=[asked(1, FACE)])
        assert show.looks_at(FACE)
        push(show, 20)
        assert page.hears_no("atlas")
        page.say(kind="drawn", number=number)
        assert page.hear("atlas")["number"] > number


def test_a_second_page_sees_its_own_and_the_first_goes_on(show, view):
    with view() as one, view() as other:
        one.say(kind="look", views=[asked(0, FACE)])
        assert show.looks_at(FACE)
        push(show)
        one.hear("atlas")
        other.say(kind="look", views=[asked(0, NOISE), asked(1, FACE)])
        assert show.looks_at(FACE, NOISE), "the same is asked for once"
        push(show)
        assert {cell["id"]: cell["x"] for cell in other.hear("atlas")["cells"]} == {0: 16, 1: 0}
        other.say(kind="look", views=[])
        assert show.looks_at(FACE)
    assert show.looks_at(), "all have gone"


def test_nothing_is_asked_of_the_show_while_nobody_looks(show, view):
    with view() as page:
        page.hear("you")
        page.say(kind="look", views=[])
        page.say(kind="drawn", number=4)
        push(show)
        assert page.hears_no("atlas")
    assert show.looked_at == []


def test_a_problem_is_a_cell(show, view):
    with view() as page:
        page.say(kind="look", views=[asked(0, FACE)])
        assert show.looks_at(FACE)
        show.push_atlas(flat(0, 32, 16), [FACE], [CellShown(problem="There is no 'face'")])
        (cell,) = page.hear("atlas")["cells"]
        assert (cell["problem"], cell["width"]) == ("There is no 'face'", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        [asked(0, FACE)] * (MOST_VIEWS + 1),
        [asked(0, FACE) | {"size": 5000}],
        [asked(0, FACE) | {"of": "secret"}],
        [asked(0, FACE) | {"channels": list(range(65))}],
        [asked(0, FACE) | {"channels": [-1]}],
        [asked(0, FACE) | {"node": "n" * 300}],
        [asked(-1, FACE)],
    ],
)
def test_what_cannot_be_looked_at_ends_the_connection(show, view, wrong):
    with view() as page:
        page.say(kind="look", views=wrong)
        with pytest.raises(Exception, match="1008"):
            while True:
                page.connection.recv(timeout=5)
    assert show.looked_at == []


class Viewer:
    """What `Looking` knows of a page."""

    bandwidth = None

    def __init__(self) -> None:
        self.told: list[dict] = []

    def tell(self, topic: str, message: bytes) -> None:
        self.told.append(msgspec.msgpack.decode(message))


def test_many_pages_together_see_no_more_than_one_may():
    looking, one, other = Looking(), Viewer(), Viewer()
    many = [CellView("node", f"n{number}") for number in range(MOST_VIEWS)]
    looking.look(one, [ViewOfPage(id=number, **msgspec.structs.asdict(view)) for number, view in enumerate(many)])  # type: ignore[arg-type]
    looking.look(other, [ViewOfPage(id=5, of="node", node="late"), ViewOfPage(id=6, of="node", node="n0")])  # type: ignore[arg-type]
    assert looking.views == tuple(many)
    show = FakeShow()
    show.push_atlas(flat(0, 32, 16), many, [CellShown(0, 0, 16, 16)] * len(many))
    atlas = show.atlas(-1, 0)
    assert atlas is not None
    looking.offer(atlas, b"")
    assert [(cell["id"], cell["problem"]) for cell in other.told[0]["cells"]] == [(5, TOO_MANY.problem), (6, "")]
    assert len(one.told[0]["cells"]) == MOST_VIEWS


def test_bytes_are_bounded():
    noise = np.random.default_rng(1).integers(0, 255, (1024, 2048, 4), np.uint8)
    assert len(as_jpeg(noise)) <= MOST_BYTES
    assert len(as_jpeg(np.zeros((1024, 2048, 4), np.uint8))) < 60_000
