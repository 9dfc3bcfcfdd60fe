"""A running studio with a show of the tests' own, raw WebSocket viewers, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from fake_show import FakeShow
from ganzfeld.studio import page as built_page
from ganzfeld.studio.server import StudioServer
from studio_client import RawViewer

CHROMIUM_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def show() -> FakeShow:
    return FakeShow()


@pytest.fixture
def studio(show: FakeShow) -> Iterator[StudioServer]:
    with StudioServer(show, port=0) as server:
        yield server


@pytest.fixture
def view(studio: StudioServer) -> Callable[..., Any]:
    """`with view() as viewer:` joins the audience as a program would; keywords go to the WebSocket client."""

    @contextmanager
    def join(path: str = "live", **options: Any) -> Iterator[RawViewer]:
        address = studio.url.replace("http", "ws") + path
        with connect(address, compression=None, proxy=None, **options) as connection:
            yield RawViewer(connection)

    return join


def chromium_path() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def need(what: bool, word: str) -> None:
    """Skips the test with a word on how to get what is missing; in CI that is a failure."""
    if what:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(word)
    pytest.skip(word)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser (playwright's `Browser`), one for each file: while it is there, an event loop runs in the tests'
    thread and processes are its children, which the tests of other files should not meet."""
    path = chromium_path()
    need(path is not None and Path(path).exists(), "no Chromium: apt-get install chromium, or name one in $CHROMIUM")
    need(built_page.is_built(), f"the page is not built: {built_page.how_to_build()}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Any) -> Iterator[Any]:
    """A fresh page that fails its test if a script throws, or if the page breaks its own security policy."""
    context = chromium.new_context(viewport={"width": 1024, "height": 768})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def listen(word: Any) -> None:
        # That another page may not frame ours is no fault of ours.
        if "Content Security Policy" in word.text and "frame-ancestors" not in word.text:
            complaints.append(word.text)

    page.on("console", listen)
    yield page
    context.close()
    assert complaints == []
