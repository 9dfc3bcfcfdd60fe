"""A mask is painted over the picture in a real browser: kept as a file, given to a line, taken back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fake_show import FakeShow
from ganzfeld.patch.language.edits import splices_of
from ganzfeld.process.document.document import Document
from ganzfeld.studio.layers import insides
from ganzfeld.studio.lookups import Lookups
from ganzfeld.studio.map import patch_map
from ganzfeld.studio.vocabulary import vocabulary
from ganzfeld.studio.word_service import WordService
from ganzfeld.studio.words import EditAnswer

PATIENCE = 8000
TEXT = """\
# a night
face = network("planets", seeds([3]))
face.bend("b*.conv?.weight", scale=1)
face.bend("b16", multiply=0)   # dark
face.bend("b64", rotate=40)
out(face)
"""
PAINTED = TEXT.replace("# a night\n", '# a night\nbrush = image("organ.brush.png")\n').replace(
    "multiply=0)", "multiply=0, mask=brush)"
)


def wait_until(page: Any, holds: Callable[[], bool], within: float = PATIENCE / 1000) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


@pytest.fixture(autouse=True)
def known_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What knows the language answers in this process: another one takes seconds to start."""

    def edit(self: Lookups, text: str, do: str, arguments: dict[str, Any]) -> EditAnswer:
        return EditAnswer(steps=[list(map(tuple, step)) for step in splices_of(text, do, arguments)])  # type: ignore[misc]

    monkeypatch.setattr(Lookups, "edit", edit)
    monkeypatch.setattr(WordService, "words", lambda self, text, folder: msgspec.json.encode(vocabulary(text)))
    monkeypatch.setattr(WordService, "map", lambda self, text: msgspec.json.encode(patch_map(text)))
    monkeypatch.setattr(WordService, "insides", lambda self, text, *more: msgspec.json.encode(insides(text)))


@pytest.fixture
def playing(show: FakeShow, tmp_path: Path) -> FakeShow:
    show.now.patch_text, show.patch_file = TEXT, tmp_path / "organ.ganz"
    show.document = Document(
        f"organ {uuid.uuid4()}", TEXT, None, newest=lambda: show.now.patch_text, play=show.play_text
    )
    show.push(square())
    return show


def square() -> np.ndarray:
    return np.full((48, 48, 4), 90, np.uint8)


def text_of(show: FakeShow) -> str:
    return show.document.told("", 0)[0].text


def mask_of(folder: Path) -> np.ndarray:
    """The alpha of what was painted; all of it is white."""
    with Image.open(folder / "organ.brush.png") as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    assert (pixels[pixels[..., 3] > 0][:, :3] == 255).all()
    return pixels[..., 3]


@pytest.fixture
def painting(browser_page: Any, studio: Any, playing: FakeShow) -> Any:
    """The page, when it can be painted on."""
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('a night')")
    browser_page.wait_for_selector(".picture:not([data-size='0x0'])", state="attached")
    browser_page.keyboard.press("p")
    browser_page.wait_for_selector(".brush[data-state=ready]")
    return browser_page


def stroke(page: Any, *places: tuple[float, float]) -> None:
    """From place to place of the picture: shares of its width and height."""
    box = page.get_by_test_id("brush-canvas").bounding_box()
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


def kept(page: Any, folder: Path, holds: Callable[[np.ndarray], bool]) -> None:
    wait_until(page, lambda: (folder / "organ.brush.png").exists() and bool(holds(mask_of(folder))))
    page.wait_for_selector("[data-saving=saved]")


def test_a_stroke_is_kept_given_to_the_line_played_and_taken_back(painting: Any, playing: FakeShow, tmp_path: Path):
    stroke(painting, (0.25, 0.25), (0.25, 0.75))
    kept(painting, tmp_path, lambda mask: mask[256, 128] == 255)
    mask = mask_of(tmp_path)
    assert mask.shape == (512, 512)
    assert mask[256, 384] == mask[20, 128] == mask[500, 128] == 0
    wait_until(painting, lambda: text_of(playing) == PAINTED)
    wait_until(painting, lambda: playing.now.patch_text == PAINTED)  # and it plays

    stroke(painting, (0.75, 0.25), (0.75, 0.75))
    kept(painting, tmp_path, lambda mask: mask[256, 384] == 255)
    painting.keyboard.press("Control+z")
    kept(painting, tmp_path, lambda mask: mask[256, 384] == 0)
    assert mask_of(tmp_path)[256, 128] == 255 and text_of(playing) == PAINTED
    painting.keyboard.press("Control+z")
    wait_until(painting, lambda: text_of(playing) == TEXT)
    assert not mask_of(tmp_path).any()
    painting.keyboard.press("Control+Shift+z")
    wait_until(painting, lambda: text_of(playing) == PAINTED)
    kept(painting, tmp_path, lambda mask: mask[256, 128] == 255)


def test_what_was_painted_is_there_again_and_can_be_erased(painting: Any, playing: FakeShow, tmp_path: Path):
    stroke(painting, (0.1, 0.5), (0.9, 0.5))
    kept(painting, tmp_path, lambda mask: mask[256, 256] == 255)
    wait_until(painting, lambda: playing.now.patch_text == PAINTED)
    painting.keyboard.press("Escape")
    painting.wait_for_selector(".brush", state="detached")
    assert painting.locator(".overlay").is_visible()
    painting.keyboard.press("p")
    painting.wait_for_selector(".brush[data-state=ready]")
    assert painting.get_by_label("The line that is painted").input_value() == "face/b16"
    alpha = "canvas => canvas.getContext('2d').getImageData(256, 256, 1, 1).data[3]"
    assert painting.get_by_test_id("brush-canvas").evaluate(alpha) > 100
    painting.keyboard.press("x")
    painting.wait_for_selector(".brush-ring.erases", state="attached")
    stroke(painting, (0.5, 0.3), (0.5, 0.7))
    kept(painting, tmp_path, lambda mask: mask[256, 256] == 0)
    assert mask_of(tmp_path)[256, 60] == 255
    assert text_of(playing) == PAINTED, "the line had it already"


def test_lines_have_paintings_of_their_own(painting: Any, playing: FakeShow, tmp_path: Path):
    """Lines that bend weights are not offered; another line gets another file."""
    offered = painting.get_by_label("The line that is painted").locator("option").all_inner_texts()
    assert offered == ['face.bend("b16", multiply=0)', 'face.bend("b64", rotate=40)']
    stroke(painting, (0.5, 0.5))
    kept(painting, tmp_path, lambda mask: mask[256, 256] == 255)
    wait_until(painting, lambda: playing.now.patch_text == PAINTED)
    painting.get_by_label("The line that is painted").select_option("face/b64")
    painting.wait_for_selector(".brush[data-state=ready]")
    stroke(painting, (0.2, 0.2))
    wait_until(painting, lambda: "rotate=40, mask=brush2)" in text_of(playing))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["organ.brush.png", "organ.brush2.png"]


def test_a_line_among_the_layers_is_painted(browser_page: Any, studio: Any, playing: FakeShow):
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('a night')")
    browser_page.keyboard.press("a")
    browser_page.locator(".bend-line[data-line=b64]").get_by_role("button", name="where").click()
    browser_page.wait_for_selector(".brush[data-state=ready]")
    assert browser_page.get_by_label("The line that is painted").input_value() == "face/b64"


def test_where_the_shows_picture_is_another_the_networks_own_is_painted_on(painting: Any, playing: FakeShow):
    assert painting.locator(".brush-ground.apart").count() == 0
    playing.push(np.full((48, 96, 4), 90, np.uint8))
    painting.wait_for_selector(".brush-ground.apart")
    box = painting.get_by_test_id("brush-canvas").bounding_box()
    assert abs(box["width"] - box["height"]) < 1
    wait_until(painting, lambda: any(view.node == "face" for views in playing.looked_at for view in views))


def test_what_is_mirrored_on_its_way_out_is_painted_on_unmirrored(browser_page: Any, studio: Any, playing: FakeShow):
    text = TEXT.replace("out(face)", "out(levels(flip(face, x=True), gamma=2))")
    playing.now.patch_text = text
    playing.document = Document(f"organ {uuid.uuid4()}", text, None, newest=lambda: text, play=playing.play_text)
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('a night')")
    browser_page.keyboard.press("p")
    browser_page.wait_for_selector(".brush[data-state=ready] .brush-ground.apart")


def test_another_patch_is_not_painted_into_this_one(painting: Any, playing: FakeShow, tmp_path: Path):
    playing.patch_file = tmp_path / "tide.ganz"
    stroke(painting, (0.5, 0.5))
    painting.wait_for_selector(".brush-problem:has-text('tide.brush.png')")
    assert text_of(playing) == TEXT


def test_a_show_without_a_file_asks_for_a_name(browser_page: Any, studio: Any, playing: FakeShow):
    playing.patch_file = None
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('a night')")
    browser_page.keyboard.press("p")
    browser_page.wait_for_selector(".brush[data-state=refused]")
    browser_page.get_by_role("button", name="keep it under a name").click()
    browser_page.wait_for_selector("dialog")
    assert browser_page.locator(".brush").count() == 0 and text_of(playing) == TEXT


def test_a_refusal_is_told_and_the_stroke_stays(painting: Any, playing: FakeShow, tmp_path: Path):
    playing.patch_file = None
    stroke(painting, (0.5, 0.5))
    painting.wait_for_selector(".brush-problem:has-text('no file')")
    assert text_of(playing) == TEXT and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (820, 1180)])
def test_everything_has_its_place(painting: Any, size: tuple[int, int]):
    painting.set_viewport_size({"width": size[0], "height": size[1]})
    painting.wait_for_timeout(50)
    bar = painting.locator(".brush-bar").bounding_box()
    canvas = painting.get_by_test_id("brush-canvas").bounding_box()
    assert bar["x"] >= 0 and bar["x"] + bar["width"] <= size[0] and bar["y"] + bar["height"] <= size[1]
    wait_until(painting, lambda: painting.get_by_test_id("brush-canvas").bounding_box()["height"] <= bar["y"] + 1)
    assert canvas["x"] >= 0 and not painting.locator(".overlay").is_visible()
    for button in painting.locator(".brush-bar button").all():
        assert button.bounding_box()["height"] >= 30
