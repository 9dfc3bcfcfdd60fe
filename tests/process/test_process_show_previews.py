"""Previews of a running show (a fake engine renders, a fake artist draws): what is drawn, and that the show never
learns of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fake_artist import fake_artist
from fake_engine import GREY, OUTSIDE, fake_dependencies
from ganzfeld.process import live_dice, supervisor
from ganzfeld.process.document.changes import ChangeSet, units_of
from ganzfeld.process.live_dice import Bendable
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.document import Draft
from ganzfeld.values.previews import PreviewDrawn, PreviewVariant

PATIENCE = 60.0
TEXT = "grey 7\n\n# more\n"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Supervisor]:
    monkeypatch.setattr(supervisor, "SPARE_AFTER", 1e9)
    file = tmp_path / "a.ganz"
    file.write_text(TEXT)
    running = Supervisor(file, prepare=fake_dependencies)
    running._previewer._prepare = fake_artist
    with running:
        until(lambda: pixel(running, GREY) == 7)
        yield running
        pid = running._previewer.pid
    assert pid is None or not psutil.pid_exists(pid)


def pixel(show: Supervisor, which: int) -> int:
    frame = show.latest()
    return -1 if frame is None else int(frame.image[0, which, 0])


class Page:
    """Somebody who looks."""

    def __init__(self, show: Supervisor) -> None:
        self.show = show
        self.drawn: list[PreviewDrawn] = []

    def ask(self, *variants: PreviewVariant, request: int = 1) -> None:
        told, _ = self.show.document.told("", 0)
        self.show.previews.draw(
            self, request, variants, self.drawn.append, log=told.log, version=told.version, height=64
        )

    def sees(self, index: int) -> PreviewDrawn:
        until(lambda: [each for each in self.drawn if each.index == index])
        return next(each for each in self.drawn if each.index == index)


def texts_of(show: Supervisor) -> dict[int, str]:
    (asked,) = show._previewer._asked.values()
    return {index: text.text for index, text in asked.order.texts.items()}


def put(show: Supervisor, at: str, more: str) -> PreviewVariant:
    text = show.document.text
    place = units_of(text[: text.index(at)])
    return PreviewVariant(changes=ChangeSet.splices(units_of(text), [(place, place, more)]).json())


def test_each_variant_is_the_text_that_would_play(show: Supervisor, monkeypatch) -> None:
    monkeypatch.setattr(live_dice, "bendables", lambda text: [Bendable("face", "planets", 1)])
    page = Page(show)
    told, _ = show.document.told("", 0)
    half = ChangeSet.splices(units_of(TEXT), [(units_of(TEXT), units_of(TEXT), "half (")]).json()

    assert show.document.push(told.log, told.version, "ada", [Draft(half)])
    page.ask(
        PreviewVariant(values={"/grey": 3.0}),
        put(show, "7", "9"),
        PreviewVariant(line='face.bend("b8", blur=1)'),
        PreviewVariant(line="import os"),
        PreviewVariant(changes=[1]),
    )
    assert texts_of(show) == {0: TEXT, 1: "grey 97\n\n# more\n", 2: 'grey 7\nface.bend("b8", blur=1)\n\n# more\n'}
    assert "no line" in page.sees(3).problem and "no change" in page.sees(4).problem
    assert page.sees(0).jpeg and page.sees(0).request == 1
    page.ask(PreviewVariant(line="import os"), request=2)
    assert not show._previewer._asked, "nothing of it can be drawn"
    page.ask(PreviewVariant())
    show.previews.end(page)
    assert not show._previewer._asked


def test_the_show_never_learns_of_previews(show: Supervisor, monkeypatch) -> None:
    posted: list[object] = []
    post = show._failover.post
    monkeypatch.setattr(show._failover, "post", lambda message, key: (posted.append(message), post(message, key)))
    page, journal = Page(show), list(show._journal)
    for number, text in enumerate(("grey 7", "error", "die", "hang")):
        page.drawn.clear()
        show._previewer._silent = 1.0 if text == "hang" else PATIENCE
        page.ask(put(show, "grey", f"{text}\n"), request=number)
        page.sees(0)
    page.ask(PreviewVariant())
    until(lambda: show._previewer.pid)
    psutil.Process(show._previewer.pid).kill()
    before = show.latest()
    assert show.wait(before.number + 5, PATIENCE) is not None and pixel(show, GREY) == 7
    assert posted == [] and list(show._journal) == journal and show.document.text == TEXT
    assert show.status().errors == () and show.render_pid


def test_previews_hear_what_the_show_hears(show: Supervisor) -> None:
    page = Page(show)
    show.document.submitted("grey 7\noutside\n")  # a word of the artist's; the engine refuses it
    page.ask(put(show, "grey", "outside\n"))
    page.sees(0)
    show.set("/x", 55)
    until(lambda: pixel(show, OUTSIDE) == 55)
    until(lambda: page.drawn[-1].jpeg != page.drawn[0].jpeg)
