"""Previews over the wire: asked, drawn, passed over, refused; and the line that dice propose."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed

from fake_show import FakeShow
from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import limits
from ganzfeld.values.previews import PreviewDrawn
from studio_client import eventually


def drawn(index: int, variant: object) -> PreviewDrawn:
    return PreviewDrawn(0, 0, width=16, height=9, jpeg=b"jpeg" * (index + 1))


def ask(viewer, request: int, *variants: dict, **more) -> None:
    viewer.say(kind="preview", request=request, variants=list(variants), **more)


def test_what_a_page_asks_for_is_drawn_for_it_alone(show: FakeShow, view) -> None:
    show.previews.draws = drawn
    with view() as one, view() as two:
        asked = {"changes": [3, [1, "x"]], "values": {"/push": 0.5}, "line": ""}
        ask(one, 7, asked, {"line": "face.bend('b8')"}, log="log", version=3, height=64)
        got = {one.hear("previewed")["index"]: None for _ in range(2)}
        assert sorted(got) == [0, 1] and two.hears_no("previewed")
        request, variants, hear, document = show.previews.newest
        assert (request, document) == (7, {"log": "log", "version": 3, "height": 64})
        assert variants[0].changes == [3, [1, "x"]] and variants[0].values == {"/push": 0.5} and variants[1].line
        hear(PreviewDrawn(7, 1, problem="too little memory"))
        assert one.hear("previewed")["problem"] == "too little memory"
        hear(PreviewDrawn(6, 0, jpeg=b"old"))  # of a question before
        assert one.hears_no("previewed")
        ask(one, 8)
        assert eventually(lambda: not show.previews.asked)
        ask(one, 9, {})
        assert eventually(lambda: show.previews.asked)
    assert eventually(lambda: not show.previews.asked), "who has gone looks no more"


def test_pictures_above_a_share_are_left_out_and_words_are_not(show: FakeShow, view, monkeypatch) -> None:
    monkeypatch.setattr(limits, "PREVIEW_BYTES_AT_ONCE", 2000)
    monkeypatch.setattr(limits, "PREVIEW_BYTES_A_SECOND", 0.0)
    with view() as viewer:
        ask(viewer, 1, {})
        assert eventually(lambda: show.previews.asked)
        _, _, hear, _ = show.previews.newest
        hear(PreviewDrawn(1, 0, jpeg=bytes(3000)))
        assert len(viewer.hear("previewed")["jpeg"]) == 3000
        hear(PreviewDrawn(1, 0, jpeg=bytes(10)))
        assert viewer.hears_no("previewed")
        hear(PreviewDrawn(1, 0, problem="it ended"))
        assert viewer.hear("previewed")["problem"] == "it ended"


@pytest.mark.parametrize(
    "wrong",
    [
        {"variants": [{}] * 6},
        {"height": 32},
        {"height": 5000},
        {"variants": [{"values": {str(n): 0.0 for n in range(65)}}]},
        {"variants": [{"line": "x" * 3000}]},
        {"variants": [{"more": 1}]},
        {"variants": [{"changes": "all"}]},
        {"version": -1},
    ],
)
def test_what_is_beyond_all_bounds_ends_the_connection(view, wrong: dict) -> None:
    with view() as viewer:
        viewer.say(kind="preview", **({"request": 1, "variants": [{}]} | wrong))
        with pytest.raises(ConnectionClosed):
            while True:
                viewer.hear("status")


def test_who_asks_too_often_is_told(show: FakeShow, view, monkeypatch) -> None:
    monkeypatch.setattr(limits, "PREVIEWS_AT_ONCE", 3.0)
    monkeypatch.setattr(limits, "PREVIEWS_A_SECOND", 0.0)
    with view() as viewer:
        for request in range(4):
            ask(viewer, request, {})
        assert "too often" in viewer.hear("notice")["what"]
        assert show.previews.newest[0] == 2


def test_a_line_is_taken_in_the_place_of_the_rolled_one(show: FakeShow, view, monkeypatch) -> None:
    with view() as viewer:
        viewer.say(kind="take_roll", line="face.bend('b8', rotate=3)")
        assert eventually(lambda: show.done == [("take roll", "face.bend('b8', rotate=3)")])
        show.refuses = GanzfeldError("nothing was rolled")
        viewer.say(kind="take_roll", line="x")
        assert viewer.hear("notice")["what"] == "nothing was rolled"
    monkeypatch.setattr("ganzfeld.studio.visitors.is_this_machine", lambda host: False)
    monkeypatch.setattr("ganzfeld.studio.visitors._same_address", lambda one, other: False)
    with view() as viewer:
        viewer.say(kind="take_roll", line="x")
        assert "on the machine that plays it" in viewer.hear("notice")["what"]


def test_dice_are_armed_and_disarmed(show: FakeShow, view) -> None:
    with view() as viewer:
        for name, armed in (("arm", True), ("disarm", False)):
            viewer.say(kind="command", name=name)
            while viewer.hear("status")["dice_armed"] != armed:
                pass
