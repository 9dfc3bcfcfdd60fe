"""The library in a real browser: files are dropped, refused, cancelled, given a place, and used."""

from __future__ import annotations

import base64
import threading
import uuid
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fake_show import FakeShow, flat
from ganzfeld.folders import cache_folder, home_folder
from ganzfeld.networks.shipped import SHIPPED
from ganzfeld.process.document.document import Document
from ganzfeld.studio import limits
from ganzfeld.studio.library import looking
from ganzfeld.studio.library.pictures import LibraryPictures
from ganzfeld.studio.links import Links
from ganzfeld.studio.server import StudioServer

PATIENCE = 45_000
"""Processes that know the language and the files start meanwhile."""
TEXT = """\
# hello
face = network("planets", psi=0.8)
face.bend("b64", rotate=20)  # turn
face.bend("b16", rotate=5)
still = image("old.png")  # a still
out(face)
"""

DRAG = """([files, kinds]) => {
  const data = new DataTransfer();
  for (const [name, text] of files)
    data.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
  for (const kind of kinds)
    (document.querySelector(".cm-content") ?? document.querySelector("main")).dispatchEvent(
      new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }),
    );
}"""


class TextShow(FakeShow):
    """One whose text is a patch that plays, with a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.now.patch_text = TEXT
        self.now.playing_version = self.now.heard_version = 1
        self.patch_file = folder / "organ.ganz"
        self.patch_file.write_text(TEXT)
        self.document = Document(
            f"organ {uuid.uuid4()}", TEXT, None, newest=lambda: self.now.patch_text, play=self.play_text
        )
        self.push(flat(30))

    def patch_folder(self) -> str:
        return str(self.patch_file.parent) if self.patch_file else ""

    def play_text(self, text: str, at_once: bool) -> int:
        self.now.playing_version = self.now.heard_version = super().play_text(text, at_once)
        return self.now.playing_version


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    if "pictures" not in request.node.name:  # another process would make them beside what is tested
        monkeypatch.setattr(LibraryPictures, "want", lambda pictures, items: 0)
    for name in ("HOME", "CACHE"):
        monkeypatch.setenv(f"GANZFELD_{name}", str(tmp_path / name.lower()))
    folder = tmp_path / "show"
    folder.mkdir()
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(folder / "old.png")
    return folder


@pytest.fixture
def show(beside: Path) -> TextShow:
    return TextShow(beside)


@pytest.fixture
def opened(browser_page: Any, studio: StudioServer) -> Any:
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('hello')")
    return browser_page


def files(folder: Path) -> dict[str, bytes]:
    """One file of every kind, by its name."""
    y, x = np.mgrid[0:40, 0:60]
    frames = [Image.fromarray(((x + 5 * k) % 255).astype(np.uint8)) for k in range(3)]
    frames[0].save(folder / "clip.gif", save_all=True, append_images=frames[1:], duration=50)
    Image.fromarray((y * 5).astype(np.uint8)).save(folder / "photo.png")
    with wave.open(str(folder / "song.wav"), "wb") as song:
        song.setparams((2, 2, 48000, 0, "NONE", ""))
        song.writeframes(np.arange(48000, dtype="<i2").tobytes())
    made = {name: (folder / name).read_bytes() for name in ("clip.gif", "photo.png", "song.wav")}
    foreign = Path(__file__).parents[3] / "shared" / "foreign" / "human__sg3t_rect.pkl"
    network = foreign if foreign.is_file() else SHIPPED["orbits"].path
    made[f"net{network.suffix}"] = network.read_bytes()
    made["mine.ganz"] = b"# My patch.\nout(noise())\n"
    return made


def drag(page: Any, given: dict[str, bytes], *kinds: str) -> None:
    encoded = [[name, base64.b64encode(data).decode()] for name, data in given.items()]
    page.evaluate(DRAG, [encoded, list(kinds)])


def drop(page: Any, given: dict[str, bytes]) -> None:
    drag(page, given, "dragenter", "dragover", "drop")


def brought(page: Any, name: str) -> Any:
    """The entry of a file on its way."""
    return page.get_by_test_id("brought").locator("li", has_text=name)


def left_behind() -> list[Path]:
    folder = cache_folder() / "brought"
    return list(folder.iterdir()) if folder.is_dir() else []


def wait_until(page: Any, holds: Callable[[], bool]) -> None:
    for _ in range(PATIENCE // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never came true")


def text_of(show: FakeShow) -> str:
    return show.document.told("", 0)[0].text


def choose(page: Any, name: str) -> Any:
    """Opens the library if need be, and chooses something."""
    if not page.get_by_test_id("sheet-library").is_visible():
        page.keyboard.press("b")
    page.get_by_test_id("library-items").get_by_role("button", name=name, exact=False).first.click()
    return page.get_by_test_id("library-chosen")


def test_every_kind_of_file_is_dropped_looked_at_and_kept_where_it_is_said(opened, show, beside, tmp_path):
    given = files(tmp_path)
    drag(opened, given, "dragenter")
    opened.get_by_text("Let go to bring it here").wait_for()
    drop(opened, given)
    for name, data in given.items():
        brought(opened, name).get_by_role("button", name="beside the patch").click()
        wait_until(opened, (beside / name).is_file)
        assert (beside / name).read_bytes() == data
        chosen = opened.get_by_test_id("library-chosen")
        chosen.get_by_role("heading", name=name.removesuffix(".ganz")).wait_for()
    assert opened.get_by_test_id("brought").count() == 0 and left_behind() == []
    assert text_of(show) == TEXT  # bringing alone plays nothing, and writes nothing into the text
    opened.get_by_role("button", name="open it").click()
    wait_until(opened, lambda: ("open", "beside:mine.ganz") in show.done)
    choose(opened, "song.wav").get_by_role("button", name="hear it").click()
    wait_until(opened, lambda: ("hear", beside / "song.wav") in show.done)


def test_a_file_is_picked_by_the_button_and_goes_into_the_persons_folder(opened, tmp_path):
    files(tmp_path)
    opened.keyboard.press("b")
    opened.set_input_files("input[type=file]", tmp_path / "photo.png")
    entry = brought(opened, "photo.png")
    entry.get_by_label("call it").fill("renamed")
    entry.get_by_role("button", name="into your folder").click()
    opened.get_by_test_id("library-chosen").get_by_role("heading", name="renamed.png").wait_for()
    assert (home_folder() / "renamed.png").is_file()


def test_a_damaged_file_is_refused_with_its_reason(opened, tmp_path):
    photo = files(tmp_path)["photo.png"]
    drop(opened, {"broken.png": photo[:50], "lie.pkl": photo})
    brought(opened, "broken.png").get_by_text("cannot be used").wait_for()
    brought(opened, "lie.pkl").get_by_text("PNG picture").wait_for()
    assert left_behind() == []
    brought(opened, "broken.png").get_by_role("button").click()
    wait_until(opened, lambda: brought(opened, "broken.png").count() == 0)


def test_what_is_too_large_or_of_no_kind_is_refused(opened, monkeypatch):
    monkeypatch.setitem(limits.LARGEST_FILES, "picture", 1000)
    drop(opened, {"large.png": b"x" * 1001, "tool.exe": b"MZ"})
    brought(opened, "large.png").get_by_text("1000 bytes at most").wait_for()
    brought(opened, "tool.exe").get_by_text("no file that can be used here").wait_for()


def test_a_file_that_is_cancelled_leaves_nothing_behind(opened, monkeypatch, tmp_path):
    goes_on = threading.Event()
    look = looking.LookingProcess.look

    def slow(process: Any, question: Any, patience: float = 90.0) -> Any:
        if "brought" in question.path:
            goes_on.wait(20)
        return look(process, question, patience)

    monkeypatch.setattr(looking.LookingProcess, "look", slow)
    drop(opened, {"photo.png": files(tmp_path)["photo.png"]})
    brought(opened, "photo.png").get_by_text("is looked at").first.wait_for()
    assert len(left_behind()) == 1
    opened.get_by_role("button", name="Cancel photo.png").click()
    wait_until(opened, lambda: left_behind() == [])
    assert opened.get_by_test_id("brought").count() == 0
    goes_on.set()


def test_who_leaves_the_page_leaves_nothing_behind(opened, tmp_path):
    drop(opened, {"photo.png": files(tmp_path)["photo.png"]})
    brought(opened, "photo.png").get_by_role("button", name="beside the patch").wait_for()
    assert len(left_behind()) == 1
    opened.goto("about:blank")
    wait_until(opened, lambda: left_behind() == [])


def test_nothing_is_written_over_unasked(opened, beside, tmp_path):
    before = (beside / "old.png").read_bytes()
    photo = files(tmp_path)["photo.png"]
    drop(opened, {"old.png": photo})
    entry = brought(opened, "old.png")
    assert entry.get_by_role("button", name="beside the patch").is_disabled()
    assert (beside / "old.png").read_bytes() == before
    entry.get_by_role("button", name="replace it").click()
    wait_until(opened, lambda: (beside / "old.png").read_bytes() == photo)


def test_a_network_that_fits_plays_at_once_under_the_same_bends(opened, show):
    chosen = choose(opened, "flowers")
    chosen.get_by_role("button", name="play it in face").click()
    chosen.get_by_text("it is written into face").wait_for()
    wait_until(opened, lambda: show.now.patch_text == TEXT.replace('"planets"', '"flowers"'))
    opened.keyboard.press("Control+z")
    wait_until(opened, lambda: text_of(show) == TEXT)


def test_lines_that_do_not_fit_are_told_before_and_muted(opened, show):
    chosen = choose(opened, "orbits")
    chosen.get_by_role("button", name="play it in face").click()
    chosen.get_by_text("2 lines do not fit").wait_for()
    chosen.get_by_text("no layer or weight 'b64'").wait_for()
    assert text_of(show) == TEXT
    chosen.get_by_role("button", name="never mind").click()
    assert text_of(show) == TEXT
    chosen.get_by_role("button", name="play it in face").click()
    chosen.get_by_role("button", name="use it, mute these lines").click()
    wait_until(opened, lambda: '"orbits"' in show.now.patch_text)
    assert text_of(show) == TEXT.replace('"planets"', '"orbits"').replace(
        "rotate=20)", "rotate=20, mute=True)"
    ).replace("rotate=5)", "rotate=5, mute=True)")


def test_a_picture_takes_anothers_place_or_becomes_a_node(opened, show, beside, tmp_path):
    (beside / "new.png").write_bytes(files(tmp_path)["photo.png"])
    chosen = choose(opened, "new.png")
    chosen.get_by_role("button", name="play it in still").click()
    wait_until(opened, lambda: text_of(show) == TEXT.replace("old.png", "new.png"))
    chosen.get_by_role("button", name="add a node").click()
    wait_until(opened, lambda: 'image1 = image("new.png")' in text_of(show))
    chosen.get_by_role("button", name="show it").click()
    wait_until(opened, lambda: 'image2 = image("new.png")\nout(image2)' in text_of(show))


def test_things_are_found_by_typing_and_have_pictures(opened):
    opened.keyboard.press("b")
    items = opened.get_by_test_id("library-items").locator("li")
    items.filter(has_text="planets").locator("img").wait_for()
    items.get_by_role("button").first.focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("Enter")
    row = opened.evaluate("[...document.querySelectorAll('.library-card')].findIndex((c) => c.ariaPressed === 'true')")
    assert row >= 2, "the first card of the second row"
    opened.get_by_label("Search the library").fill("flowers of light")
    wait_until(opened, lambda: items.count() == 1)
    opened.get_by_label("Search the library").fill("no such thing")
    opened.get_by_text("Nothing here is called that").wait_for()
    opened.keyboard.press("b")  # is text here
    assert opened.get_by_label("Search the library").input_value() == "no such thingb"
    opened.get_by_role("button", name="Close the library").click()
    assert not opened.get_by_test_id("sheet-library").is_visible()


@pytest.fixture
def watched(show: FakeShow, tmp_path: Path) -> Iterator[str]:
    links = Links(tmp_path / "links.json")
    with StudioServer(show, port=0, links=links) as server:
        yield server.link("watch", server.url)


def test_who_watches_brings_nothing(browser_page, watched):
    browser_page.goto(watched)
    browser_page.wait_for_selector(".cm-line:has-text('hello')")
    drag(browser_page, {"a.png": b"x"}, "dragenter")
    browser_page.keyboard.press("b")
    assert browser_page.get_by_test_id("drop").count() == 0
    assert browser_page.get_by_test_id("sheet-library").count() == 0


def test_a_phone_brings_and_uses_files_too(browser_page, studio, show, beside, tmp_path):
    browser_page.set_default_timeout(PATIENCE)
    browser_page.set_viewport_size({"width": 390, "height": 844})
    browser_page.goto(studio.url)
    browser_page.get_by_role("button", name="library").click()
    files(tmp_path)
    browser_page.set_input_files("input[type=file]", tmp_path / "photo.png")
    brought(browser_page, "photo.png").get_by_role("button", name="beside the patch").click()
    wait_until(browser_page, (beside / "photo.png").is_file)
    wide = browser_page.evaluate("document.querySelector('.library').scrollWidth")
    assert wide <= 390
    chosen = browser_page.get_by_test_id("library-chosen")
    chosen.get_by_role("button", name="play it in still").click()
    wait_until(browser_page, lambda: text_of(show) == TEXT.replace("old.png", "photo.png"))
