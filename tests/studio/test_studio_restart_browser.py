"""A page over a restart of the very process that serves it: what is typed meanwhile is not lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganzfeld.process.kept_show import read_kept
from played_show import play

BEFORE = "grey 7\n# out()\n"
TYPED = "# one 😀 two "
MEANWHILE = "three é four "
AFTER = "five six"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Iterator[Callable]:
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "a.ganz").write_text(BEFORE)
    running = []

    def begin():
        running.append(play(tmp_path / "a.ganz", port, tmp_path / "a.show"))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait(10)
        process.stdout.close()


def wait_until(page, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


def test_a_show_that_is_killed_while_somebody_types(browser_page, start, port, tmp_path):
    page, patch = browser_page, tmp_path / "a.ganz"
    page.set_default_timeout(20_000)

    def text() -> str:
        return "\n".join(line.strip("\n") for line in page.locator(".cm-line").all_inner_texts())

    def type_slowly(words: str) -> None:
        for letter in words:  # a person's keys, one after the other, however the server is
            page.keyboard.insert_text(letter)
            page.wait_for_timeout(10)

    first = start()
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector(".cm-line:has-text('grey 7')")
    page.get_by_test_id("mode").click()
    page.wait_for_selector(".studio.editing", state="attached")
    page.keyboard.press("Control+End")
    type_slowly(TYPED)
    first.kill()
    type_slowly(MEANWHILE)
    first.wait(10)
    page.wait_for_selector(".state:has-text('reconnecting')")
    page.get_by_text("not sent yet").wait_for()
    start()
    type_slowly(AFTER)
    page.get_by_text("not sent yet").wait_for(state="detached")
    page.wait_for_selector(".state:has-text('reconnecting')", state="detached")
    assert text() == BEFORE + TYPED + MEANWHILE + AFTER
    page.keyboard.press("Control+s")
    wait_until(page, lambda: patch.read_text() == BEFORE + TYPED + MEANWHILE + AFTER)
    for _ in range(60):
        if text() == BEFORE:
            break
        page.keyboard.press("Control+z")
    assert text() == BEFORE, "each step can be taken back, across the restart"
    page.keyboard.press("Control+Shift+z")
    assert text() != BEFORE
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("End")
    page.keyboard.type("7")
    page.keyboard.press("Control+Shift+Enter")
    page.keyboard.press("Control+s")
    wait_until(page, lambda: patch.read_text() == BEFORE.replace("grey 7", "grey 77"))
    page.reload()
    page.wait_for_selector(".cm-line:has-text('grey 77')")


def test_a_show_that_is_killed_goes_on_in_the_page_with_the_patch_that_was_opened(browser_page, start, port, tmp_path):
    page = browser_page
    page.set_default_timeout(20_000)
    (tmp_path / "second-show.ganz").write_text("grey 20\n# the other one\n")
    first = start()
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector(".cm-line:has-text('grey 7')")
    page.keyboard.press("Control+k")
    page.locator(".palette li:has-text('second-show')").click()
    page.wait_for_selector(".cm-line:has-text('grey 20')")
    wait_until(page, lambda: (kept := read_kept(tmp_path / "a.show")) is not None and kept.elsewhere is not None)
    first.kill()
    first.wait(10)
    page.wait_for_selector(".state:has-text('reconnecting')")
    start()
    page.wait_for_selector(".state:has-text('reconnecting')", state="detached")
    page.wait_for_selector(".state:has-text('second-show.ganz')")
    assert "grey 20" in page.locator(".cm-content").inner_text()
