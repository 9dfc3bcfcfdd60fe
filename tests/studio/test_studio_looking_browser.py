"""Thumbnails in a real browser: one canvas draws them all, however many there are, and React hears nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from fake_show import FakeShow, flat
from ganzfeld.process.document.document import Document
from ganzfeld.studio import word_child
from ganzfeld.studio.word_service import WordService
from ganzfeld.values.looking import CellShown, CellView

PATIENCE = 10_000
TEXT = """\
source = noise("simplex2d", amplitude=0.9, tx=t)
face = network("planets", latent=source)
turned = flip(face, x=True)
trail = feedback(turned)
out(trail, size=(64, 48))
"""
NODES = ("source", "face", "turned", "trail")
COUNT_COMMITS = """
window.commits = 0;
window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
  isDisabled: false, supportsFiber: true, renderers: new Map(), checkDCE() {},
  inject() { return 1; }, onCommitFiberRoot() { window.commits += 1; }, onCommitFiberUnmount() {},
  onPostCommitFiberRoot() {},
};
"""
PIXEL = """([name, x, y]) => {
  const place = [...document.querySelectorAll('.cell')].find((cell) => cell.closest(`[data-node="${name}"]`));
  const canvas = place.closest('.cells').querySelector('canvas');
  const [at, box] = [place.getBoundingClientRect(), canvas.getBoundingClientRect()];
  const scale = canvas.width / box.width;
  const left = (at.x + x * at.width - box.x) * scale;
  const top = (at.y + y * at.height - box.y) * scale;
  return [...canvas.getContext('2d').getImageData(left, top, 1, 1).data];
}"""


def until(page: Any, holds: Callable[[], object], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


@pytest.fixture
def show() -> FakeShow:
    show = FakeShow()
    show.now.patch_text = TEXT
    show.now.playing_version = show.now.heard_version = 1
    show.document = Document(f"looking {id(show)}", TEXT, None, newest=lambda: TEXT, play=show.play_text)
    show.push(flat(9))
    return show


@pytest.fixture
def opened(browser_page, studio, show, monkeypatch):
    """The map, open."""
    # What knows the language answers from this process: importing all of it again takes seconds.
    answer = word_child._answer
    monkeypatch.setattr(WordService, "_answer", lambda self, question: msgspec.json.encode(answer(question)))
    browser_page.add_init_script(COUNT_COMMITS)
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('planets')")
    browser_page.keyboard.press("g")
    browser_page.wait_for_selector(".cell")
    return browser_page


def push(show: FakeShow, greys: dict[str, int]) -> None:
    """An atlas with a cell of 64 × 32 for each node that is looked at, of this grey."""
    views = show.looked_at[-1]
    image = np.zeros((64 * len(views) + 16, 64, 4), np.uint8)
    cells = []
    for row, view in enumerate(views):
        image[64 * row : 64 * row + 32] = greys.get(view.node, 0)
        cells.append(CellShown(0, 64 * row, 64, 32))
    show.push_atlas(image, views, cells)


def looked_at(show: FakeShow) -> set[str]:
    return {view.node for view in show.looked_at[-1]} if show.looked_at else set()


def grey(page: Any, name: str) -> int:
    return page.evaluate(PIXEL, [name, 0.5, 0.5])[0]


def test_every_thumbnail_shows_its_own_and_none_is_a_commit(opened, show):
    until(opened, lambda: looked_at(show) >= set(NODES))
    greys = {name: 40 + 50 * place for place, name in enumerate(NODES)}
    push(show, greys)
    for name, light in greys.items():
        until(opened, lambda name=name, light=light: abs(grey(opened, name) - light) < 6)
    opened.wait_for_timeout(500)

    def commits_a_second(beside: Callable[[], object]) -> float:
        """Of the page, which shows the status and more: they are to be no more because of what `beside` does."""
        before, began = opened.evaluate("commits"), time.monotonic()
        beside()
        return (opened.evaluate("commits") - before) / (time.monotonic() - began)

    def draw() -> None:
        for light in range(60, 220, 4):
            push(show, dict.fromkeys(NODES, light))
            until(opened, lambda light=light: abs(grey(opened, "face") - light) < 3)

    began = time.monotonic()
    busy = commits_a_second(draw)
    atlases_a_second = 40 / (time.monotonic() - began)
    quiet = commits_a_second(lambda: opened.wait_for_timeout(1500))
    assert quiet > 0, "they are counted"
    assert busy < 1.5 * quiet + 0.2 * atlases_a_second


def test_what_is_closed_or_hidden_is_not_looked_at(opened, show):
    until(opened, lambda: looked_at(show) >= set(NODES))
    opened.keyboard.press("Escape")
    until(opened, lambda: show.looked_at[-1] == ())


def test_a_problem_is_said_in_its_place(opened, show):
    until(opened, lambda: looked_at(show) >= set(NODES))
    views = show.looked_at[-1]
    problem = CellShown(problem="It leads to no output")
    show.push_atlas(flat(0, 64, 64), views, [problem if view.node == "face" else CellShown() for view in views])
    opened.wait_for_selector('.cell[data-problem="It leads to no output"]')
    push(show, {})
    until(opened, lambda: opened.locator(".cell[data-problem]").count() == 0)


def test_views_are_the_nodes_own(opened, show):
    until(opened, lambda: looked_at(show) >= set(NODES))
    assert all(isinstance(view, CellView) and view.of == "node" for view in show.looked_at[-1])
