"""Clean pages, and viewers who choose among sizes and rates."""

from __future__ import annotations

import io

import msgspec
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed

from fake_show import FakePage, Running, flat
from ganzfeld.studio import picture
from ganzfeld.studio.viewers import MOST_STREAMS, Wish, wish_of
from studio_client import get
from waiting import until


def opened(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def half_transparent(width: int = 64, height: int = 48) -> np.ndarray:
    """Red on the left, nothing (white underneath) on the right."""
    image = flat(255, width, height)
    image[:, : width // 2] = (200, 40, 40, 128)
    image[:, width // 2 :, 3] = 0
    return image


@pytest.mark.parametrize(
    ("query", "wish"),
    [
        ({}, Wish()),
        ({"height": "640", "fps": "15"}, Wish(height=640, fps=15)),
        ({"height": "641", "fps": "14.2"}, Wish(height=720, fps=15)),
        ({"height": "1e9", "fps": "-3"}, Wish()),
        ({"height": "nan", "fps": "fast", "name": "wall"}, Wish()),
    ],
)
def test_what_is_asked_for_is_rounded(query: dict[str, str], wish: Wish) -> None:
    assert wish_of(query) == wish
    page = wish_of({**query, "name": "wall", "background": "none"}, is_page=True)
    assert page == Wish("wall", wish.height, wish.fps, alpha=True)


def test_colours_come_over_black_and_alpha_beside_them(show, view):
    show.push(half_transparent())
    with view("output/live?background=none") as viewer:
        frame = viewer.hear("frame")
    assert np.abs(opened(frame["jpeg"])[24, 8] - (100, 20, 20)).max() < 6
    assert opened(frame["jpeg"])[24, 56].max() < 6
    alpha = opened(frame["alpha"])
    assert alpha.shape == (48, 64) and abs(alpha[24, 8] - 128) < 4 and alpha[24, 56] < 4
    with view("output/live") as viewer:
        assert viewer.hear("frame")["alpha"] == b""
    show.push(flat(3))
    with view("output/live?background=none") as viewer:
        assert viewer.hear("frame")["alpha"] == b""


def test_a_smaller_picture_keeps_its_shape_and_its_edges_clean(show, view):
    show.push(half_transparent(800, 600))
    with view("output/live?background=none&height=120") as viewer:
        frame = viewer.hear("frame")
    assert (frame["width"], frame["height"]) == (160, 120)
    assert opened(frame["jpeg"]).shape == (120, 160, 3) and opened(frame["alpha"]).shape == (120, 160)
    assert opened(frame["jpeg"])[60, 90].max() < 10  # the white underneath shines through nowhere
    with view("live?height=2160") as viewer:
        assert viewer.hear("frame")["height"] == 600


def test_who_wants_the_same_is_served_with_one(show, view, monkeypatch):
    sizes: list[int] = []
    encode = picture.jpeg

    def counting(image):
        sizes.append(image.shape[0])
        return encode(image)

    monkeypatch.setattr(picture, "jpeg", counting)
    small = "live?height=240"
    with view() as whole, view(small) as one, view(small) as two, view("output/live?height=240") as page:
        show.push(flat(20, 640, 480))
        for viewer in (whole, one, two, page):
            viewer.hear("frame")
        assert sorted(sizes) == [240, 240, 480]


def test_a_rate_is_kept(show, view):
    with view("live?fps=5") as viewer, Running(show, fps=100):
        times = []
        for _ in range(6):
            frame = viewer.hear("frame")
            viewer.say(kind="ack", number=frame["number"])
            times.append(frame["number"])
    assert times[-1] - times[1] > 30  # of about 80 that there were


def test_a_clean_page_obeys_nothing(show, view):
    for message in ({"kind": "command", "name": "pause"}, {"kind": "master", "what": "black", "value": 1.0}):
        with view("output/live") as viewer, pytest.raises(ConnectionClosed) as closed:
            viewer.say(**message)
            while True:
                viewer.connection.recv(timeout=5)
        assert closed.value.rcvd.code == 1008
    assert (show.commands, show.done) == ([], [])


def test_a_clean_page_hears_of_nothing_but_pictures(show, view):
    with view("output/live") as viewer:
        kinds = {msgspec.msgpack.decode(viewer.connection.recv(timeout=5))["kind"]}
        show.push(flat(1))
        viewer.hear("frame")
        kinds |= {msgspec.msgpack.decode(viewer.connection.recv(timeout=5))["kind"] for _ in range(2)}
    assert kinds == {"beat"}


def test_pages_of_an_output_that_comes_later_wait_for_it(show, view):
    show.push(flat(50))
    with view("output/live?name=wall") as viewer:
        assert viewer.hears_no("frame")
        wall = show.pages["wall"] = FakePage(show)
        assert viewer.hear("frame")
        assert (wall.viewers, wall.sent) == (1, 1)
    until(lambda: wall.viewers == 0)


def test_only_so_many_sizes_are_made_at_a_time(show, studio, view):
    from contextlib import ExitStack

    with ExitStack() as stack:
        for number in range(MOST_STREAMS):
            stack.enter_context(view(f"output/live?name=o{number}"))
        with view("output/live?name=o0") as known:
            known.hear("beat")
        with view("live?height=120") as refused, pytest.raises(ConnectionClosed) as closed:
            refused.connection.recv(timeout=5)
        assert closed.value.rcvd.code == 1013

    def has_room() -> bool:
        try:
            with view("live?height=120") as again:
                again.hear("status")
        except ConnectionClosed:
            return False
        return True

    until(has_room)


def test_the_page_is_served_under_the_same_policy(studio):
    for path in ("/output", "/output?name=wall&background=none"):
        answer = get(studio, path)
        assert answer.status in (200, 503)
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_streams_end_with_their_last_viewer(show, view):
    import threading

    def streams() -> int:
        return sum(thread.name.startswith("studio pictures") for thread in threading.enumerate())

    with view("live?height=120"), view("output/live"):
        until(lambda: streams() == 2)
    until(lambda: streams() == 0)
