"""The map in a real browser: what a hand does there is an edit of the text, with its comments, in one undo history."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fake_show import FakeShow, flat
from ganzfeld.process.document.document import Document
from ganzfeld.studio import word_child
from ganzfeld.studio.word_service import WordService
from ganzfeld.values.desk import Desk
from ganzfeld.values.looking import CellShown, CellView

PATIENCE = 8000
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ganz"))
TEXT = """\
# dawn.ganz: head
push = knob(0, 2)                     # a hand

# what it walks through
source = noise("simplex2d", tx=t)     # lattice
face   = network("planets", latent=source, psi=0.8)  # é 😀
face.bend("b8", rotate=3, name="spin")               # bent

bright = levels(face, hue=20)         # colours
out(bright)                           # shown
"""


def wait_until(page, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


@pytest.fixture(autouse=True)
def here(monkeypatch) -> None:
    """What knows the language answers from this process: importing all of it again takes seconds."""
    answer = word_child._answer
    monkeypatch.setattr(WordService, "_answer", lambda self, question: msgspec.json.encode(answer(question)))


def begin(show: FakeShow, text: str) -> None:
    """A show whose document is this text, and plays whatever it is sent."""
    show.now.patch_text = text
    show.document = Document("map", text, None, newest=lambda: show.now.patch_text, play=show.play_text)
    play = show.play_text

    def play_text(text: str, at_once: bool) -> int:
        show.now.playing_version = show.now.heard_version = version = play(text, at_once)
        return version

    show.document._play = play_text
    show.now.playing_version = show.now.heard_version = 1
    show.desk_now = Desk()
    show.push(flat(30))


@pytest.fixture
def opened(browser_page, studio, show):
    """The map of `TEXT`, when it is drawn."""
    begin(show, TEXT)
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('lattice')")
    browser_page.keyboard.press("g")
    browser_page.wait_for_selector("[data-node=out]")
    return browser_page


def text_of(show: FakeShow) -> str:
    return show.document.told("", 0)[0].text


def node(page, name: str):
    return page.locator(f'[data-node="{name}"]')


def choose(page, name: str) -> None:
    node(page, name).locator(".map-name").click()
    page.wait_for_selector(f"[data-testid=map-inspector][aria-label$=' {name}']")


def becomes(page, show: FakeShow, before: str, after: str) -> None:
    """The text says this, and plays; taken back it is as it was, and made again it is as it became."""
    assert before != after
    says(page, show, after)
    page.keyboard.press("Control+z")
    says(page, show, before)
    page.keyboard.press("Control+Shift+z")
    says(page, show, after)


def says(page, show: FakeShow, text: str) -> None:
    wait_until(page, lambda: text_of(show) == show.now.patch_text == text)


def take(page, name: str) -> None:
    """What is to be added is typed, and taken when it is found."""
    page.keyboard.type(name)
    page.wait_for_selector(f"[role=option][aria-selected=true]:has-text('{name}')")
    page.keyboard.press("Enter")


def names_on(page) -> list[str]:
    return sorted(page.eval_on_selector_all("[data-node]", "all => all.map(n => n.dataset.node)"))


BOXES = "all => all.map(n => n.getBoundingClientRect()).map(r => [r.x, r.y, r.right, r.bottom])"


@pytest.mark.parametrize("examples", [EXAMPLES[::2], EXAMPLES[1::2]], ids=["even", "odd"])
def test_every_example_is_laid_out_without_overlaps(browser_page, studio, show, examples):
    begin(show, EXAMPLES[0].read_text("utf-8"))
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line")
    browser_page.keyboard.press("g")
    for file in examples:
        text = file.read_text("utf-8")
        show.document.submitted(text)
        names = sorted(each.name for each in word_child.patch_map(text).nodes)
        wait_until(browser_page, lambda names=names: names_on(browser_page) == names)
        boxes = browser_page.eval_on_selector_all("[data-node]", BOXES)
        assert len(boxes) == len(names) > 0
        for a, b in itertools.combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (file.name, a, b)
        inside = browser_page.eval_on_selector_all(
            "[data-node]", "all => all.every(n => n.scrollHeight <= n.clientHeight + 1)"
        )
        assert inside, file.name


def test_a_node_is_added_after_another_and_between_two(opened, show):
    choose(opened, "face")
    opened.get_by_role("button", name="add after").click()
    take(opened, "flip")
    line = "               # bent\n"
    becomes(opened, show, TEXT, TEXT.replace(line, line + "flip1 = flip(face)\n"))
    # What is new is chosen, and says that nothing reads it yet.
    beside = opened.wait_for_selector("[data-testid=map-inspector][aria-label$=' flip1']")
    assert "Nothing reads it yet" in beside.inner_text()
    opened.get_by_role("button", name="undo", exact=True).click()
    says(opened, show, TEXT)
    opened.get_by_role("button", name="redo", exact=True).click()
    opened.wait_for_selector("[data-node=flip1]")
    before = text_of(show)

    opened.locator(".map-wire:has(title:text('face → bright')) .reach").first.dispatch_event("click")
    opened.get_by_role("button", name="Add a node between").click()
    take(opened, "transform")
    after = before.replace(line, line + "transform1 = transform(face)\n").replace("levels(face", "levels(transform1")
    becomes(opened, show, before, after)


def test_a_wire_is_pulled_to_another_node(opened, show):
    box = node(opened, "source").locator("[data-port=out]").bounding_box()
    aim = node(opened, "bright").locator("[data-port=in]").bounding_box()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(aim["x"] + 40, aim["y"] + 20, steps=6)
    opened.mouse.up()
    becomes(opened, show, TEXT, TEXT.replace("levels(face", "levels(source"))


def test_a_knob_is_pulled_to_a_number(opened, show):
    box = node(opened, "push").locator("[data-port=out]").bounding_box()
    aim = node(opened, "bright").locator(".map-parameter").bounding_box()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(aim["x"] + 10, aim["y"] + 10, steps=6)
    opened.mouse.up()
    becomes(opened, show, TEXT, TEXT.replace("hue=20", "hue=push"))


def test_inputs_are_chosen_by_the_keyboard_too(opened, show):
    choose(opened, "face")
    opened.get_by_label("latent", exact=True).select_option("")
    becomes(opened, show, TEXT, TEXT.replace("latent=source, ", ""))


def test_a_node_is_deleted_and_its_readers_read_its_input(opened, show):
    node(opened, "bright").focus()
    opened.keyboard.press("Delete")
    line = next(line for line in TEXT.splitlines(keepends=True) if line.startswith("bright"))
    becomes(opened, show, TEXT, TEXT.replace(line, "").replace("out(bright)", "out(face)"))


def test_what_is_needed_is_not_deleted_and_the_page_says_why(opened, show):
    opened.keyboard.press("Escape")
    opened.keyboard.press("g")
    node(opened, "face").focus()
    opened.keyboard.press("Delete")
    opened.wait_for_selector(".notice:has-text('bright reads face')")
    assert text_of(show) == TEXT


def test_a_node_is_renamed_wherever_the_text_speaks_of_it(opened, show):
    node(opened, "face").focus()
    opened.keyboard.press("F2")
    opened.keyboard.press("Control+a")
    opened.keyboard.type("never")
    opened.keyboard.press("Escape")
    node(opened, "face").focus()
    opened.keyboard.press("F2")
    opened.keyboard.press("Control+a")
    opened.keyboard.type("world")
    opened.keyboard.press("Enter")
    after = (
        TEXT.replace("face   =", "world   =").replace("face.bend", "world.bend").replace("levels(face", "levels(world")
    )
    becomes(opened, show, TEXT, after)
    # Snapshots go with it, there and back.
    there, back = (("arrange", "readdress", *names) for names in (("/face", "/world"), ("/world", "/face")))
    assert [done for done in show.done if "readdress" in done] == [there, back, there]
    opened.wait_for_selector("[data-node=world]")
    assert opened.locator(".notice").count() == 0


def test_a_node_is_bypassed_and_another_solo(opened, show):
    opened.get_by_role("button", name="bypass bright").click()
    after = TEXT.replace("hue=20", "hue=20, bypass=True")
    becomes(opened, show, TEXT, after)
    opened.wait_for_selector("[data-node=bright].bypassed")
    opened.get_by_role("button", name="bypass bright").click()
    wait_until(opened, lambda: text_of(show) == TEXT)
    opened.get_by_role("button", name="solo source").click()
    becomes(opened, show, TEXT, TEXT.replace("tx=t)", "tx=t, solo=True)"))


def test_what_is_typed_and_what_the_map_does_are_one_history(opened, show):
    opened.keyboard.press("Escape")
    opened.keyboard.press("e")
    opened.keyboard.press("Control+Home")
    opened.keyboard.type("# mine\n")
    wait_until(opened, lambda: text_of(show) == "# mine\n" + TEXT)
    opened.keyboard.press("Escape")
    opened.keyboard.press("g")
    opened.get_by_role("button", name="bypass bright").click()
    wait_until(opened, lambda: "bypass=True" in text_of(show))
    opened.keyboard.press("Escape")
    opened.keyboard.press("e")
    opened.keyboard.press("Control+z")
    wait_until(opened, lambda: text_of(show) == "# mine\n" + TEXT)
    wait_until(opened, lambda: opened.keyboard.press("Control+z") or text_of(show) == TEXT)  # as typing was slow


def test_a_number_is_turned_under_the_hand_and_written_when_it_is_let_go(opened, show):
    slider = node(opened, "bright").get_by_role("slider")
    box = slider.bounding_box()
    opened.mouse.move(box["x"] + 30, box["y"] + 8)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 45, box["y"] + 8, steps=4)
    wait_until(opened, lambda: any(done[:2] == ("turn", "/bright/hue") for done in show.done))
    show.desk_now = Desk(held={"/bright/hue": 26.0})  # as a show tells it meanwhile
    opened.wait_for_selector("[data-node=bright] .map-mark.by-hand")
    assert text_of(show) == TEXT
    opened.mouse.up()
    wait_until(opened, lambda: text_of(show) != TEXT)
    (line,) = set(text_of(show).splitlines()) - set(TEXT.splitlines())
    assert line.startswith("bright = levels(face, hue=") and line.endswith("         # colours")
    wait_until(opened, lambda: ("release", "/bright/hue") in show.done)
    written = text_of(show)
    opened.keyboard.press("Control+z")  # one change
    wait_until(opened, lambda: text_of(show) == TEXT != written)


def test_the_mark_says_who_turns_a_number_and_changes_it(opened, show):
    mark = node(opened, "bright").locator(".map-mark")
    assert mark.inner_text() == "text"
    mark.click()
    opened.get_by_role("group", name="Who turns hue").get_by_role("button", name="knob push").click()
    after = TEXT.replace("hue=20", "hue=push")
    becomes(opened, show, TEXT, after)
    opened.wait_for_selector("[data-node=bright] .map-mark.by-knob")
    show.desk_now = Desk(held={"/bright/hue": 40.0}, mixed=())
    opened.wait_for_selector("[data-node=bright] .map-mark.by-hand")
    show.desk_now = Desk(held={"/bright/hue": 40.0}, mixed=("/bright/hue",))
    opened.wait_for_selector("[data-node=bright] .map-mark.by-snapshot")
    node(opened, "bright").locator(".map-mark").click()
    opened.get_by_role("button", name="give back to the text").click()
    wait_until(opened, lambda: ("release", "/bright/hue") in show.done)


def test_a_click_on_a_line_goes_into_the_text(opened):
    choose(opened, "face")
    opened.locator(".map-lines button").nth(1).click()
    opened.wait_for_selector(".studio.editing", state="attached")
    assert opened.locator(".cm-activeLine, .changed-line").first.inner_text().startswith('face.bend("b8"')
    assert opened.locator("[data-testid=sheet-map]").count() == 0


def test_the_map_is_gone_through_by_arrow_keys(opened):
    node(opened, "source").focus()
    for key, name in (("ArrowRight", "face"), ("ArrowRight", "bright"), ("ArrowRight", "out"), ("ArrowLeft", "bright")):
        opened.keyboard.press(key)
        assert opened.evaluate("document.activeElement.dataset.node") == name
    opened.keyboard.press("Escape")
    assert opened.locator("[data-testid=sheet-map]").count() == 0


def test_the_map_is_moved_and_enlarged(opened):
    before = node(opened, "face").bounding_box()
    box = opened.locator(".map-box").bounding_box()
    opened.mouse.move(box["x"] + 12, box["y"] + 12)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 62, box["y"] + 42, steps=5)
    opened.mouse.up()
    moved = node(opened, "face").bounding_box()
    assert (round(moved["x"] - before["x"]), round(moved["y"] - before["y"])) == (50, 30)
    opened.get_by_role("button", name="Larger", exact=True).click()
    assert node(opened, "face").bounding_box()["width"] == pytest.approx(before["width"] * 1.25, rel=0.01)


COUNTED = """
() => {
  window.changes = [];
  const look = new MutationObserver((found) => window.changes.push(...found.map((each) => each.target.className)));
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  look.observe(document.querySelector(".map"), everything);
}
"""
SEEN = """
() => {
  const canvas = document.querySelector(".map canvas");
  const box = canvas.getBoundingClientRect();
  const at = document.querySelector("[data-node=face] .map-picture").getBoundingClientRect();
  const scale = canvas.width / box.width;
  const x = (at.x + at.width / 2 - box.x) * scale, y = (at.y + at.height / 2 - box.y) * scale;
  return canvas.getContext("2d").getImageData(x, y, 1, 1).data[0];
}
"""


def test_pictures_come_into_one_canvas_and_change_nothing_else(opened, show):
    views = [CellView("node", name, size=240) for name in ("source", "face", "bright", "out")]
    assert show.looks_at(*views)
    opened.evaluate(COUNTED)
    for grey in (60, 120, 200):
        show.push_atlas(flat(grey, 64, 16), views, [CellShown(16 * number, 0, 16, 16) for number in range(4)])
        wait_until(opened, lambda grey=grey: abs(opened.evaluate(SEEN) - grey) < 8)
    assert opened.evaluate("window.changes.filter((name) => name !== '')") == []
    opened.keyboard.press("Escape")
    assert show.looks_at()


def test_a_phone_has_the_map_too_and_it_leads_into_the_text(browser_page, studio, show):
    begin(show, TEXT)
    browser_page.set_default_timeout(PATIENCE)
    browser_page.set_viewport_size({"width": 390, "height": 844})
    browser_page.goto(studio.url)
    browser_page.get_by_role("button", name="map", exact=True).click()
    browser_page.wait_for_selector("[data-node=out]")
    node(browser_page, "out").locator(".map-name").click()
    browser_page.get_by_role("button", name="bypass bright").dispatch_event("click")
    says(browser_page, show, TEXT.replace("hue=20", "hue=20, bypass=True"))
    browser_page.locator(".map-lines button").first.click()
    browser_page.wait_for_selector(".remote-text .changed-line:has-text('out(bright)')")
