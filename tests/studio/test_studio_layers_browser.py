"""The layers of networks in a real browser: shown, bent, opened; every act is a line of the text."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from fake_show import FakeShow, flat
from ganzfeld.process.document.document import Document
from ganzfeld.studio.word_child import _answer
from ganzfeld.studio.word_service import WordService
from ganzfeld.studio.words import EditQuestion, InsideQuestion, Question
from ganzfeld.values.looking import CellShown, CellView

PATIENCE = 8000
SIZES = ((1440, 900), (1024, 768))
SPIN = 'face.bend("b16", rotate=40, channels=0.3)  # slowly'
CUT = 'face.bend("b16", multiply=0, only=[3, 17])'
TEXT = f"""\
# organ.ganz
source = noise("simplex2d", tx=t)
face = network("planets", latent=source, size=(512, 256))  # wide

# it turns
{SPIN}
{CUT}
face.bend("b64", blur=2, mute=True)
face.blend("flowers", "b32", amount=0.4)
orb = network("orbits", latent=source)
out(face, size=(64, 32))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """What knows the language answers here, not in a process that has to start."""
    monkeypatch.setattr(
        WordService, "words", lambda self, text, folder="": msgspec.json.encode(_answer(Question(text, folder)))
    )
    monkeypatch.setattr(
        WordService,
        "insides",
        lambda self, text, folder="", instead="": msgspec.json.encode(_answer(InsideQuestion(text, folder, instead))),
    )
    monkeypatch.setattr(
        WordService, "edit", lambda self, text, do, arguments: _answer(EditQuestion(text, do, dict(arguments)))
    )


@pytest.fixture
def show() -> FakeShow:
    """One whose newest text plays, as soon as it is sent."""
    show = FakeShow()
    show.now.patch_text, show.now.patch_name = TEXT, "layers.ganz"
    show.now.playing_version = show.now.heard_version = 1

    def play_text(text: str, at_once: bool) -> int:
        version = show.now.heard_version = show.now.playing_version = FakeShow.play_text(show, text, at_once)
        return version

    show.document = Document(f"layers {id(show)}", TEXT, None, newest=lambda: show.now.patch_text, play=play_text)
    show.push(flat(30))
    return show


@pytest.fixture
def opened(browser_page, studio, show):
    """The page with the layers open."""
    browser_page.set_default_timeout(PATIENCE)
    browser_page.set_viewport_size({"width": 1440, "height": 900})
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('planets')")
    browser_page.keyboard.press("a")
    browser_page.wait_for_selector("[data-node=face][data-layer=b16]")
    return browser_page


def wait_until(page: Any, holds: Callable[[], bool], within: float = PATIENCE / 1000) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


def comes_to(page: Any, show: FakeShow, text: str) -> None:
    """Waits until this is what is written and what plays."""
    wait_until(page, lambda: show.document.text == text and show.now.patch_text == text)


def choose(page: Any, layer: str, node: str = "face") -> None:
    page.click(f"[data-node={node}][data-layer={layer}]")
    page.wait_for_selector(f"[data-node={node}][data-layer={layer}][aria-pressed=true]")


def channels_come(page: Any, show: FakeShow, *channels: int) -> None:
    """The studio sends an atlas whose grid has these channels."""

    def grids() -> list[CellView]:
        return [view for view in show.looked_at[-1] if view.of == "channels"] if show.looked_at else []

    def came() -> bool:
        if grids():
            cells = [CellShown(0, 0, 64, 8, (0.5,) * len(channels), channels) if view.of == "channels" else CellShown()
                     for view in show.looked_at[-1]]  # fmt: skip
            show.push_atlas(flat(90, 64, 16), show.looked_at[-1], cells)
        page.wait_for_timeout(50)
        return page.locator(".channel-buttons button").count() == len(channels)

    wait_until(page, came)


def test_layers_are_shown_from_latent_to_picture(opened, show):
    strip = opened.get_by_test_id("strip-face")
    names = strip.locator(".layer b").all_inner_texts()
    assert names[:3] == ["source", "b4", "b8.conv0"] and names[-2:] == ["b256", "picture"]
    assert strip.locator("[data-layer=b64] small").inner_text() == "128×64 · 96"
    orb = opened.get_by_test_id("strip-orb").locator(".layer b").all_inner_texts()
    assert orb[:4] == ["source", "input", "L0", "L1"] and orb[-1] == "picture"
    bent = strip.locator(".layer.bent").evaluate_all("all => all.map(each => each.dataset.layer)")
    assert bent == ["b16", "b32.conv0", "b32"], "what is muted does not glow"
    wait_until(opened, lambda: CellView("layer", "face", "b16", size=128) in (show.looked_at or [()])[-1])
    opened.get_by_text("mean", exact=True).click()
    mean = CellView("layer", "face", "b16", channels="mean", size=128)
    wait_until(opened, lambda: mean in show.looked_at[-1])
    opened.keyboard.press("Escape")
    opened.wait_for_selector(".layers", state="detached")
    wait_until(opened, lambda: show.looked_at[-1] == ())
    assert show.document.text == TEXT


def test_a_click_looks_and_a_double_click_writes_what_is_shown(opened, show):
    choose(opened, "b32")
    wait_until(opened, lambda: CellView("layer", "face", "b32", size=360) in show.looked_at[-1])
    assert show.document.text == TEXT and show.done == []
    opened.dblclick("[data-node=face][data-layer=b32]")
    shown = TEXT.replace("amount=0.4)\n", 'amount=0.4)\nface.show("b32")\n')
    comes_to(opened, show, shown)
    opened.wait_for_selector("[data-node=face][data-layer=b32] .layer-shown")
    opened.get_by_text("picture again").click()
    comes_to(opened, show, TEXT)


def test_a_channel_comes_into_a_line_and_goes_from_it(opened, show):
    choose(opened, "b16")
    channels_come(opened, show, 9, 17, 2)
    opened.click(".bend-text:has-text('multiply=0')")
    opened.get_by_label("Channel 9", exact=True).click()
    comes_to(opened, show, TEXT.replace("[3, 17]", "[3, 9, 17]"))
    opened.wait_for_selector("[aria-label='Channel 9'][aria-pressed=true]")
    opened.get_by_label("Channel 17", exact=True).click()
    comes_to(opened, show, TEXT.replace("[3, 17]", "[3, 9]"))
    for text in (TEXT.replace("[3, 17]", "[3, 9, 17]"), TEXT):
        opened.keyboard.press("Control+z")
        comes_to(opened, show, text)


def test_a_channel_under_the_pointer_is_in_the_preview_and_on_the_wall_only_when_armed(opened, show):
    choose(opened, "b16")
    channels_come(opened, show, 9, 17, 2)
    opened.get_by_label("Channel 17", exact=True).hover()
    wait_until(opened, lambda: CellView("layer", "face", "b16", channels=(17,), size=360) in show.looked_at[-1])
    wait_until(opened, lambda: bool(show.previews.asked))
    assert tried(show) == 'face.bend("b16", multiply=0, channels="0-16,18-255")', "the picture with it alone"
    assert show.done == [] and show.document.text == TEXT
    opened.get_by_role("button", name="wall").click()
    shown = TEXT.replace("amount=0.4)\n", 'amount=0.4)\nface.show("b16", view="one", channel=17)\n')
    comes_to(opened, show, shown)
    opened.get_by_label("Channel 2", exact=True).hover()
    wait_until(opened, lambda: ("turn", "/face/show/channel", 2) in show.done)
    opened.get_by_role("button", name="on the wall").click()
    wait_until(opened, lambda: show.done[-1] == ("release", "/face/show/channel"))


def tried(show: FakeShow) -> str:
    """The line that the picture in the preview has more than the text."""
    (variant,) = show.previews.newest[1]
    return next(part[-1] for part in variant.changes if isinstance(part, list))


def test_a_bend_is_dragged_onto_a_layer(opened, show):
    choose(opened, "b16")
    opened.get_by_label("Search the bends").fill("invert")
    word = opened.locator("[data-bend=invert]")
    target = opened.locator("[data-node=face][data-layer='b8']")
    box = word.bounding_box()
    opened.mouse.move(box["x"] + 20, box["y"] + 10)
    opened.mouse.down()
    opened.mouse.move(box["x"] - 60, box["y"] + 20, steps=4)
    opened.wait_for_selector(".bend-ghost")
    over = target.bounding_box()
    opened.mouse.move(over["x"] + 30, over["y"] + 30, steps=6)
    opened.wait_for_selector("[data-layer=b8].over")
    opened.mouse.up()
    arguments = word.locator("small").inner_text()
    comes_to(opened, show, TEXT.replace("mute=True)\n", f'mute=True)\nface.bend("b8", {arguments})\n'))
    opened.wait_for_selector("[data-node=face][data-layer=b8].bent")
    opened.keyboard.press("Control+z")
    comes_to(opened, show, TEXT)


def test_a_layer_of_a_stylegan3_is_bent_where_it_is_spoken_of(opened, show):
    choose(opened, "L2_52_160", node="orb")
    word = opened.locator("[data-bend=invert]")
    arguments = word.locator("small").inner_text()
    word.click()
    comes_to(opened, show, TEXT.replace("out(", f'orb.bend("L2", {arguments})\nout('))
    opened.wait_for_selector("[data-node=orb][data-layer=L2_52_160].bent")


def test_a_bend_under_the_pointer_is_tried_in_the_preview(opened, show):
    choose(opened, "b16")
    word = opened.locator("[data-bend=invert]")
    arguments = word.locator("small").inner_text()
    word.hover()
    wait_until(opened, lambda: bool(show.previews.asked))
    assert tried(show) == f'face.bend("b16", {arguments})'
    opened.get_by_label("Search the bends").hover()
    wait_until(opened, lambda: not show.previews.asked)
    assert show.document.text == TEXT and show.done == []


def test_channels_that_were_picked_are_those_of_the_next_bend(opened, show):
    choose(opened, "b8")
    channels_come(opened, show, 9, 17, 2)
    opened.get_by_label("Channel 17", exact=True).click()
    opened.get_by_label("Channel 2", exact=True).click()
    assert show.document.text == TEXT
    opened.get_by_label("Search the bends").fill("invert")
    opened.locator("[data-bend=invert]").click()
    wait_until(opened, lambda: 'face.bend("b8", invert=' in show.document.text)
    (line,) = (line for line in show.document.text.splitlines() if "invert" in line)
    assert line.endswith(", channels=[2, 17])")


def test_lines_are_ordered_muted_and_deleted_with_their_comments_and_one_undo(opened, show):
    choose(opened, "b16")
    first = opened.locator(".bend-line").first
    texts = [TEXT]

    def act(button, text: str) -> None:
        button.click()
        comes_to(opened, show, text)
        texts.append(text)

    act(first.get_by_label("Later"), TEXT.replace(f"{SPIN}\n{CUT}", f"{CUT}\n{SPIN}"))
    opened.wait_for_selector(".bend-line:first-child .bend-text:has-text('multiply=0')")
    muted = CUT.replace("17])", "17], mute=True)")
    act(opened.locator(".bend-line").first.get_by_text("mute", exact=True), texts[-1].replace(CUT, muted))
    opened.wait_for_selector(".bend-line:first-child.silent")
    alone = SPIN.replace("0.3)", "0.3, solo=True)")
    act(opened.locator(".bend-line").nth(1).get_by_text("solo", exact=True), texts[-1].replace(SPIN, alone))
    opened.wait_for_selector(".bend-line:nth-child(2) [aria-pressed=true]")
    act(opened.locator(".bend-line").first.get_by_label("Delete the line"), texts[-1].replace(f"{muted}\n", ""))
    assert "# it turns\n" in show.document.text and "# slowly" in show.document.text
    for text in reversed(texts[:-1]):
        opened.keyboard.press("Control+z")
        comes_to(opened, show, text)


def test_a_slider_blends_a_layer(opened, show):
    strip = opened.get_by_test_id("strip-face")
    slider = strip.get_by_label("face b32: blend with flowers")
    assert slider.input_value() == "0.4"
    slider.focus()
    opened.keyboard.down("ArrowRight")
    wait_until(opened, lambda: any(done[:2] == ("turn", "/face/flowers/amount") for done in show.done))
    opened.keyboard.up("ArrowRight")
    comes_to(opened, show, TEXT.replace("amount=0.4", "amount=0.41"))
    wait_until(opened, lambda: show.done[-1] == ("release", "/face/flowers/amount"))
    strip.get_by_label("face b8: blend with flowers").focus()
    opened.keyboard.press("End")
    line = 'face.blend("flowers", "b8", amount=1)\n'
    comes_to(opened, show, TEXT.replace("amount=0.4)\n", f"amount=0.41)\n{line}"))


def test_weights_are_found_by_what_is_typed(opened, show):
    choose(opened, "b16")
    opened.get_by_role("tab", name="weights").click()
    opened.get_by_label("Search the weights").fill("b64 torgb weight")
    opened.get_by_role("button", name="torgb.weight").click()
    wait_until(opened, lambda: any(view.weight == "synthesis.b64.torgb.weight" for view in show.looked_at[-1]))
    opened.get_by_label("Search the weights").fill("nothing like it")
    opened.wait_for_selector(".weights-tree details", state="detached")
    opened.keyboard.press("Escape")
    assert opened.get_by_test_id("sheet-layers").count() == 1, "the field is left first"
    opened.keyboard.press("Escape")
    opened.wait_for_selector(".layers", state="detached")


def test_a_text_that_is_no_patch_shows_what_plays(opened, show):
    opened.keyboard.press("Escape")
    opened.get_by_test_id("mode").click()
    opened.keyboard.press("Control+End")
    opened.keyboard.type("face = = 1")
    wait_until(opened, lambda: show.document.text.endswith("face = = 1"))
    opened.keyboard.press("Escape")
    opened.keyboard.press("Escape")
    opened.keyboard.press("a")
    opened.wait_for_selector(".layers-problem")
    assert opened.locator("[data-node=face][data-layer=b16]").count() == 1


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_of_the_sheet_is_cut_off(opened, show, width, height):
    opened.set_viewport_size({"width": width, "height": height})
    choose(opened, "b16")
    channels_come(opened, show, *range(64))
    sheet = opened.get_by_test_id("sheet-layers").bounding_box()
    for part in (".strips", ".inside", ".bends", ".channel-fit", ".layer-preview"):
        box = opened.locator(part).first.bounding_box()
        assert box["width"] > 80 and box["height"] > 80, part
        assert box["x"] >= sheet["x"] and box["x"] + box["width"] <= sheet["x"] + sheet["width"] + 1, part
        assert box["y"] >= sheet["y"] and box["y"] < sheet["y"] + sheet["height"], part
    button = opened.locator(".channel-buttons button").first.bounding_box()
    assert min(button["width"], button["height"]) >= 20
