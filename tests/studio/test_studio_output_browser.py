"""The clean page in a real browser: read as it is seen, transparency included."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fake_show import FakePage, FakeShow, flat
from ganzfeld.studio.server import StudioServer
from studio_client import port_of


def seen(page) -> np.ndarray:
    """What the browser shows, [H, W, 4], where nothing lies under the page."""
    shot = page.screenshot(omit_background=True)
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGBA")).astype(int)


def until_seen(page, y: int, x: int, colour: tuple[int, ...], tolerance: int = 5) -> np.ndarray:
    for _ in range(200):
        picture = seen(page)
        if np.abs(picture[y, x] - colour).max() <= tolerance:
            return picture
        page.wait_for_timeout(20)
    raise AssertionError(f"{picture[y, x]} and not {colour}")


@pytest.fixture
def wide(browser_page):
    browser_page.set_viewport_size({"width": 400, "height": 300})
    return browser_page


def test_the_picture_reaches_the_edges_and_nothing_else_is_there(wide, studio, show):
    show.push(flat(90))
    wide.goto(studio.url + "output")
    picture = until_seen(wide, 150, 200, (90, 90, 90, 255))
    assert np.abs(picture - (90, 90, 90, 255)).max() <= 5
    wide.mouse.move(100, 100)
    wide.keyboard.press("h")
    wide.keyboard.press(" ")
    assert np.abs(seen(wide) - (90, 90, 90, 255)).max() <= 5
    assert wide.locator("body").inner_text() == "" and wide.locator("button, a, input").count() == 0
    assert wide.evaluate("getComputedStyle(document.querySelector('canvas').parentElement).cursor") == "none"
    assert show.commands == []


@pytest.mark.parametrize(
    ("query", "beside"), [("", (0, 0, 0, 255)), ("?fit=fill", (90, 90, 90, 255)), ("?background=none", (0, 0, 0, 0))]
)
def test_another_shape_is_shown_whole_on_black_on_nothing_or_fills(wide, studio, show, query, beside):
    show.push(flat(90, width=100, height=100))
    wide.goto(studio.url + "output" + query)
    picture = until_seen(wide, 150, 200, (90, 90, 90, 255))
    assert np.abs(picture[150, 5] - beside).max() <= 5 and np.abs(picture[150, 394] - beside).max() <= 5


def test_on_nothing_the_picture_is_as_transparent_as_it_was(wide, studio, show):
    image = flat(255, width=400, height=300)
    image[:, :130] = (200, 40, 40, 255)
    image[:, 130:270] = (40, 200, 40, 128)
    image[:, 270:, 3] = 0
    show.push(image)
    wide.goto(studio.url + "output?background=none")
    picture = until_seen(wide, 150, 60, (200, 40, 40, 255), 8)
    assert np.abs(picture[150, 200] - (40, 200, 40, 128)).max() <= 8
    assert picture[150, 340, 3] <= 3
    show.push(flat(70))  # and opaque again
    until_seen(wide, 150, 340, (70, 70, 70, 255))
    wide.goto(studio.url + "output")
    show.push(image)
    picture = until_seen(wide, 150, 60, (200, 40, 40, 255), 8)
    assert np.abs(picture[150, 200] - (20, 100, 20, 255)).max() <= 8
    assert np.abs(picture[150, 340] - (0, 0, 0, 255)).max() <= 5


def test_a_named_output_at_its_own_size(wide, studio, show):
    wall = FakeShow()
    show.pages["wall"] = FakePage(wall)
    show.push(flat(10))
    wall.push(flat(160, width=800, height=600))
    wide.goto(studio.url + "output?name=wall&height=120&fps=30")
    until_seen(wide, 150, 200, (160, 160, 160, 255))
    assert wide.evaluate("[document.querySelector('canvas').width, document.querySelector('canvas').height]") == [
        160,
        120,
    ]


def test_the_page_outlives_the_server(wide, show):
    show.push(flat(90))
    with StudioServer(show, port=0) as first:
        port = port_of(first)
        wide.goto(first.url + "output?background=none")
        until_seen(wide, 150, 200, (90, 90, 90, 255))
    show.push(flat(30))
    wide.wait_for_timeout(600)
    assert np.abs(seen(wide) - (90, 90, 90, 255)).max() <= 5  # the last picture stays
    with StudioServer(show, port=port, exact_port=True):
        until_seen(wide, 150, 200, (30, 30, 30, 255))


def test_the_studio_takes_a_smaller_picture_if_asked(browser_page, studio, show):
    show.push(flat(90, width=640, height=480))
    browser_page.goto(studio.url + "?height=240&fps=15")
    browser_page.wait_for_selector(".picture[data-size='320x240']")
