"""The page's text in a real browser: written, played, saved, shared, dragged; and keys do what the badge says."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fake_show import KNOB, FakeShow, flat
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.studio.server import StudioServer
from ganzfeld.studio.words import (
    AddressWord,
    BendWord,
    FunctionWord,
    NetworkWord,
    NodeWord,
    NumberWord,
    ParameterWord,
    Words,
)
from ganzfeld.values.desk import Desk, SnapshotOnDesk
from ganzfeld.values.status import Problem
from studio_client import port_of

PATIENCE = 8000
TYPED = string.ascii_letters + string.digits + " .,:;+-*/=<>!?@#$%^&_|~`\\"
SIZES = ((1440, 900), (1024, 768), (820, 1180))


def wait_until(page, holds: Callable[[], bool], within: float = PATIENCE / 1000) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


@pytest.fixture
def playing(show: FakeShow) -> FakeShow:
    """A show whose newest text plays, as soon as it is sent."""
    show.now.playing_version = show.now.heard_version = 1
    play = show.play_text

    def play_text(text: str, at_once: bool) -> int:
        version = show.now.heard_version = play(text, at_once)
        if not show.now.errors:
            show.now.playing_version = version
        return version

    show.document._play = play_text
    show.push(flat(30))
    return show


@pytest.fixture(autouse=True)
def patience(browser_page) -> None:
    browser_page.set_default_timeout(PATIENCE)


@pytest.fixture
def opened(browser_page, studio, playing):
    """The page, when its text is there."""
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
    return browser_page


def text_of(show: FakeShow) -> str:
    return show.document.told("", 0)[0].text


def mode(page) -> str:
    return page.get_by_test_id("mode").inner_text()


def enter(page, at: str = "Control+End") -> None:
    """The caret goes into the text: to its end, if nothing else is said."""
    page.get_by_test_id("mode").click()
    page.wait_for_selector(".studio.editing", state="attached")
    page.keyboard.press(at)


def test_every_key_typed_into_the_text_does_nothing_but_type(opened, playing):
    before = text_of(playing)
    enter(opened)
    for key in TYPED:
        opened.keyboard.press("Space" if key == " " else key)
    opened.keyboard.press("Enter")
    opened.keyboard.type("x")
    wait_until(opened, lambda: text_of(playing) == before + TYPED + "\nx")
    assert playing.commands == [] and playing.done == []
    assert mode(opened) == "EDIT"
    assert opened.locator("dialog").count() == 0
    assert opened.locator(".overlay").is_visible()


def test_out_of_the_text_the_same_keys_are_the_instrument_and_type_nothing(opened, playing):
    before = text_of(playing)
    for key in string.ascii_letters + string.digits + " .,":
        if key.lower() not in "efhp":  # they lead into the text, to the full screen, out of sight, to the brush
            opened.keyboard.press("Space" if key == " " else key)
    wait_until(opened, lambda: len(playing.commands) == 4)
    assert [name for name, _ in playing.commands] == ["roll", "tap", "roll", "tap"]
    assert text_of(playing) == before


def test_the_badge_says_where_keys_go(opened):
    assert mode(opened) == "PLAY"
    opened.locator(".cm-line").nth(1).click(position={"x": 12, "y": 8})
    opened.wait_for_selector(".studio.editing", state="attached")
    assert mode(opened) == "EDIT"
    opened.keyboard.press("Escape")
    opened.wait_for_selector(".studio:not(.editing)", state="attached")
    opened.keyboard.press("e")
    opened.wait_for_selector(".studio.editing", state="attached")
    opened.mouse.click(900, 400)  # the picture, beside the text
    opened.wait_for_selector(".studio:not(.editing)", state="attached")
    assert mode(opened) == "PLAY"


def test_panic_works_in_the_text_and_out_of_it(opened, playing):
    opened.keyboard.press("Control+.")
    wait_until(opened, lambda: len(playing.done) == 1)
    enter(opened)
    opened.keyboard.press("Control+Shift+Period")
    wait_until(opened, lambda: len(playing.done) == 2)
    assert playing.done == [("turn", "/master/black", [1, 0.0]), ("turn", "/master/freeze", 1)]
    assert mode(opened) == "EDIT"


def test_edit_play_fail_and_undo_ten_steps(opened, playing):
    before = text_of(playing)
    enter(opened)
    for step in range(10):
        opened.keyboard.type(f"\n\nstep{step} = {step}")
    wait_until(opened, lambda: text_of(playing).endswith("step9 = 9"))
    opened.wait_for_selector(".said:text('lines not played')")
    # The block under the caret plays, and nothing else of what is written.
    opened.keyboard.press("Control+Enter")
    wait_until(opened, lambda: "step9 = 9" in playing.now.patch_text)
    assert "step8" not in playing.now.patch_text
    opened.keyboard.press("Control+Shift+Enter")
    wait_until(opened, lambda: playing.now.patch_text == text_of(playing))
    opened.wait_for_selector(".unplayed-line", state="detached")
    # One that cannot be played says so under its line.
    playing.now.errors = [Problem("there is no 'nois'", "Did you mean 'noise'?", None, len(before.split("\n")), 1)]
    opened.keyboard.type(" + nois")
    opened.keyboard.press("Control+Alt+Enter")
    opened.wait_for_selector(".problem-words:has-text('Did you mean')")
    opened.wait_for_selector(".said.says-trouble:text('does not play')")
    assert playing.played_at_once
    version = playing.now.patch_version
    for _ in range(10 * 3 + 1):  # each end of a line is a step of its own
        opened.keyboard.press("Control+z")
    wait_until(opened, lambda: text_of(playing) == before)
    assert playing.now.patch_version == version  # undo plays nothing
    opened.keyboard.press("Control+Shift+z")
    wait_until(opened, lambda: text_of(playing) == before + "\n")


def test_a_reload_keeps_what_was_typed_while_the_studio_was_away(browser_page, playing):
    with StudioServer(playing, port=0) as first:
        browser_page.goto(first.url)
        browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
        port, url = port_of(first), first.url
    browser_page.wait_for_selector(".state .word:text('reconnecting')")
    before = text_of(playing)
    enter(browser_page)
    browser_page.keyboard.type("kept = 1 # 😀")
    browser_page.wait_for_selector(".said:text('not sent yet')")
    browser_page.goto("about:blank")
    playing.document.saved_elsewhere("# from elsewhere\n" + before)
    with StudioServer(playing, port=port, exact_port=True):
        browser_page.goto(url)
        wait_until(browser_page, lambda: text_of(playing) == "# from elsewhere\n" + before + "kept = 1 # 😀")
        browser_page.wait_for_selector(".cm-line:has-text('kept = 1')")


def test_typing_goes_on_through_a_restart_of_the_studio(browser_page, playing):
    with StudioServer(playing, port=0) as first:
        browser_page.goto(first.url)
        browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
        before = text_of(playing)
        enter(browser_page)
        browser_page.keyboard.type("one ")
        port = port_of(first)
    browser_page.keyboard.type("two ")
    with StudioServer(playing, port=port, exact_port=True):
        browser_page.keyboard.type("three")
        wait_until(browser_page, lambda: text_of(playing) == before + "one two three")


def test_another_writer_has_a_named_caret_and_both_keep_what_they_type(opened, chromium, studio, playing):
    context = chromium.new_context(viewport={"width": 1024, "height": 768})
    try:
        other = context.new_page()
        other.set_default_timeout(PATIENCE)
        other.goto(studio.url)
        other.wait_for_selector(".cm-line:has-text('simplex2d')")
        before = text_of(playing)
        enter(opened, "Control+Home")
        enter(other)
        opened.wait_for_selector(".writer-name", state="attached")
        for number in range(6):
            opened.keyboard.type(f"a{number}😀")
            other.keyboard.type(f"b{number}🦊")
        wanted = "".join(f"a{n}😀" for n in range(6)) + before + "".join(f"b{n}🦊" for n in range(6))
        wait_until(opened, lambda: text_of(playing) == wanted)
        for page in (opened, other):
            page.wait_for_selector(".cm-line:has-text('b5🦊')")
            page.wait_for_selector(".cm-line:has-text('a5😀')")
    finally:
        context.close()
    opened.wait_for_selector(".writer-caret", state="detached")


@pytest.fixture
def filed(playing: FakeShow, tmp_path: Path) -> Path:
    """The show's patch has a file."""
    file = tmp_path / "organ.ganz"
    file.write_text(playing.now.patch_text, "utf-8", newline="")
    watched = PatchFile(file)
    playing.document.go_on_in("organ.ganz", watched.read(None), watched)
    return file


def test_saving_writes_the_file_and_plays_nothing(browser_page, filed, playing, studio):
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".said:text('saved')")
    enter(browser_page)
    browser_page.keyboard.type("# mine")
    browser_page.wait_for_selector(".said:text('not saved')")
    version = playing.now.patch_version
    browser_page.keyboard.press("Control+s")
    wait_until(browser_page, lambda: filed.read_text("utf-8").endswith("# mine"))
    browser_page.wait_for_selector(".said:text-is('saved')")
    assert playing.now.patch_version == version


def test_what_does_not_merge_is_shown_and_a_click_decides(browser_page, filed, playing, studio):
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
    enter(browser_page, "Control+Home")
    browser_page.keyboard.type("mine ")
    wait_until(browser_page, lambda: text_of(playing).startswith("mine "))
    disk = filed.read_text("utf-8")
    theirs = disk.replace("# organ.ganz", "# theirs").replace("fps=60", "fps=30")
    filed.write_text(theirs, "utf-8", newline="")
    playing.document.saved_elsewhere(theirs)
    box = browser_page.locator(".conflict")
    box.wait_for()
    assert "# theirs" in box.inner_text()
    browser_page.wait_for_selector(".cm-line:has-text('fps=30')")
    box.get_by_role("button", name="take the file's").click()
    box.wait_for(state="detached")
    wait_until(browser_page, lambda: text_of(playing).startswith("# theirs\n"))


def words_of(show: FakeShow) -> Words:
    """What the editor is told of the tests' own patch."""
    line, column = next(
        (number, text.index("psi=") + 5)
        for number, text in enumerate(show.now.patch_text.split("\n"), 1)
        if "psi=" in text
    )
    return Words(
        nodes=(NodeWord("network", "Play a network.", ("image",), (ParameterWord("psi", "value", "Truncation."),)),),
        bends=(BendWord("rotate", "Turns it.", "rotate=12"),),
        functions=(FunctionWord("wander", "motion", "wander(x)", "Wanders about.", "wander(t)"),),
        addresses=(AddressWord("/face/psi", "face.psi", "value", "Truncation.", "-1 … 2"),),
        numbers=(NumberWord("/face/psi", line, column, 3, low=-1, high=2, default=1),),
        networks=(NetworkWord("face", ("b4", "b8"), ("synthesis.b4.const",), ("flowers",)),),
        blending='"*", amount=0.5',
        types={"face": "network", "source": "noise"},
    )


@pytest.fixture
def informed(browser_page, studio, playing):
    """The page, with words to complete and explain."""
    body = msgspec.json.encode(words_of(playing)).decode()
    browser_page.route("**/api/words", lambda route: route.fulfill(body=body, content_type="application/json"))
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
    with browser_page.expect_response("**/api/words"):
        browser_page.locator(".cm-line").first.hover()  # nothing is asked for before somebody looks at the text
    return browser_page


def drag_psi(page, by: int) -> None:
    page.locator(".token-number:text-is('0.8')").hover()
    grip = page.locator(".grip:not([hidden])")
    grip.wait_for()
    box = grip.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 6
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by / 2, y)
    page.mouse.move(x + by, y)


def test_a_number_is_dragged_and_letting_go_makes_one_change(informed, playing):
    playing.desk_now = Desk(knobs=(msgspec.structs.replace(KNOB, address="/face/psi"),))
    log, version = (told := playing.document.told("", 0)[0]).log, told.version
    drag_psi(informed, 80)
    wait_until(informed, lambda: ("turn", "/face/psi", 1.8) in playing.done)
    assert informed.locator(".dragged-number").inner_text() == "1.8"
    assert "psi=0.8" in text_of(playing)  # nothing is written before it is let go
    informed.mouse.up()
    wait_until(informed, lambda: "psi=1.8" in playing.now.patch_text)
    _, updates = playing.document.told(log, version)
    assert [update.what for update in updates.updates] == ["drag"]
    wait_until(informed, lambda: playing.done[-1] == ("release", "/face/psi"))
    enter(informed)
    informed.keyboard.press("Control+z")
    wait_until(informed, lambda: "psi=0.8" in text_of(playing))


def test_in_play_a_number_is_dragged_by_its_digits_and_a_click_still_writes(informed, playing):
    playing.desk_now = Desk(knobs=(msgspec.structs.replace(KNOB, address="/face/psi"),))
    informed.locator(".knob").first.wait_for()
    box = informed.locator(".token-number:text-is('0.8')").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    informed.mouse.move(x, y)
    informed.mouse.down()
    informed.mouse.move(x + 40, y)
    informed.mouse.move(x + 80, y)
    informed.mouse.up()
    wait_until(informed, lambda: "psi=0.8" not in playing.now.patch_text)
    assert mode(informed) == "PLAY"
    wait_until(informed, lambda: ("release", "/face/psi") in playing.done)
    informed.locator(".token-number:text-is('1.8')").click()
    informed.wait_for_selector(".studio.editing", state="attached")
    informed.keyboard.type("7")
    wait_until(informed, lambda: "7" in text_of(playing).split("psi=")[1].split(")")[0])


def test_a_double_click_on_the_grip_writes_the_default(informed, playing):
    drag_psi(informed, 0)
    informed.mouse.up()
    informed.mouse.dblclick(*(_centre(informed.locator(".grip").bounding_box())))
    wait_until(informed, lambda: "psi=1)" in playing.now.patch_text)


def _centre(box: dict[str, float]) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + 6


def test_words_are_completed_and_explained(informed, playing):
    informed.set_viewport_size({"width": 1440, "height": 900})
    enter(informed)
    informed.keyboard.type('face.bend("b')
    informed.wait_for_selector(".cm-tooltip-autocomplete li:has-text('b8')")
    informed.keyboard.press("Tab")
    wait_until(informed, lambda: text_of(playing).endswith('face.bend("b4")'))
    informed.keyboard.press("Escape")
    playing_value = {"/face/psi": 0.5}
    informed.route("**/api/values*", lambda route: route.fulfill(body=json.dumps(playing_value)))
    informed.locator(".name-argument:text-is('psi')").hover()
    informed.wait_for_selector(".explained:has-text('psi')")
    box = informed.locator(".cm-tooltip-hover").bounding_box()
    lines = informed.locator(".cm-line").all()
    assert not any(_overlap(box, line.bounding_box()) for line in lines)
    informed.keyboard.press("Shift")
    informed.wait_for_selector(".explained", state="detached")


def test_the_palette_does_what_is_chosen_and_gives_the_caret_back(opened, playing):
    enter(opened)
    opened.keyboard.press("Control+k")
    opened.keyboard.type("tap the")
    opened.wait_for_selector(".palette li[aria-selected=true]:has-text('tap the beat')")
    opened.keyboard.press("Enter")
    wait_until(opened, lambda: playing.commands == [("tap", {})])
    opened.wait_for_selector("dialog", state="detached")
    opened.wait_for_selector(".studio.editing", state="attached")
    opened.keyboard.press("Control+k")
    opened.wait_for_selector(".palette")
    opened.keyboard.press("Escape")
    opened.wait_for_selector("dialog", state="detached")
    opened.wait_for_selector(".studio.editing", state="attached")


def test_a_palette_that_is_closed_at_once_gives_the_caret_back(opened):
    enter(opened)
    opened.evaluate(
        """async () => {
            const press = (key, more) => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more })
            );
            press("k", { ctrlKey: true });
            await new Promise((then) => setTimeout(then, 3));
            press("Escape");
        }"""
    )
    opened.wait_for_selector("dialog", state="detached")
    opened.wait_for_selector(".studio.editing", state="attached")


def test_a_bend_is_added_by_mouse_alone_and_plays(informed, playing):
    informed.get_by_role("button", name="Palette").click()
    informed.locator(".palette li:has-text('rotate face')").click()
    line = 'face.bend("b8", rotate=12)'
    wait_until(informed, lambda: f"seed=4)\n{line}\n" in playing.now.patch_text)
    informed.wait_for_selector("dialog", state="detached")


def test_all_that_the_palette_has_is_in_reach_of_the_mouse(informed, playing):
    informed.get_by_role("button", name="Palette").click()
    entries = informed.locator(".palette li")
    wait_until(informed, lambda: informed.locator(".palette .count").inner_text().startswith(f"{entries.count()} "))
    assert entries.last.inner_text().startswith("insert")
    informed.locator(".palette li:has-text('blend flowers into face')").click()
    wait_until(informed, lambda: 'face.blend("flowers", "*", amount=0.5)' in playing.now.patch_text)


def test_a_patch_is_opened_from_the_palette(opened, playing):
    opened.keyboard.press("Control+k")
    opened.wait_for_selector(".palette li:has-text('organ')")
    opened.keyboard.type("open organ")
    opened.keyboard.press("Enter")
    wait_until(opened, lambda: ("open", "example:organ") in playing.done)


def test_saving_what_has_no_file_asks_for_a_name(opened, playing):
    enter(opened)
    opened.keyboard.press("Control+s")
    opened.wait_for_selector(".keep input")
    opened.keyboard.type("mine")
    opened.keyboard.press("Enter")
    wait_until(opened, lambda: playing.done == [("keep_as", "mine")])
    opened.wait_for_selector("dialog", state="detached")
    opened.wait_for_selector(".studio.editing", state="attached")


def test_the_key_sheet_comes_and_goes(opened):
    opened.keyboard.press("?")
    opened.wait_for_selector(".sheet:has-text('Shift Space')")
    opened.keyboard.press("Escape")
    opened.wait_for_selector(".sheet", state="detached")


def test_a_locked_stage_leaves_snapshots_and_stays_locked_through_a_reload(opened, playing):
    playing.desk_now = Desk(snapshots=(SnapshotOnDesk("dawn", (0, 0)),))
    opened.wait_for_selector(".chip-name:text('dawn')")
    before = text_of(playing)
    opened.get_by_role("button", name="Lock the stage").click()
    opened.reload()
    opened.wait_for_selector(".studio.locked", state="attached")
    opened.wait_for_selector(".chip-name:text('dawn')")
    opened.wait_for_selector(".cm-line:has-text('simplex2d')")
    opened.locator(".cm-line").nth(1).click(position={"x": 12, "y": 8})
    for key in ("x", "d", "t", "h", "Control+k", "1"):
        opened.keyboard.press(key)
    wait_until(opened, lambda: playing.done == [("hit", "/snapshot/recall", "dawn")])
    assert playing.commands == [] and text_of(playing) == before
    badge = opened.get_by_test_id("mode")
    badge.click()
    assert badge.inner_text() == "UNLOCK?"
    badge.click()
    opened.wait_for_selector(".studio:not(.locked)", state="attached")


def test_a_hidden_interface_comes_back_with_the_mouse(opened):
    opened.keyboard.press("h")
    overlay = opened.locator(".overlay")
    overlay.wait_for(state="hidden")
    opened.mouse.move(300, 300)
    opened.mouse.move(400, 320)
    overlay.wait_for(state="visible")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_of_the_text_and_its_head_overlaps(opened, playing, size):
    playing.desk_now = Desk(knobs=(KNOB,), snapshots=(SnapshotOnDesk("dawn", (0, 0)),))
    opened.set_viewport_size({"width": size[0], "height": size[1]})
    enter(opened)
    opened.keyboard.type("\n\nx = 1")
    opened.wait_for_selector(".said:text('not played')")
    boxes = {
        name: opened.locator(name).bounding_box() for name in (".badge", ".state", ".text-state", ".patch", ".desk")
    }
    for name, box in boxes.items():
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] + 1, name
        assert box["y"] >= 0 and box["y"] + box["height"] <= size[1] + 1, name
        for other, theirs in boxes.items():
            assert name == other or not _overlap(box, theirs), (name, other)
    caret = opened.locator(".cm-cursor-primary").bounding_box()
    patch = boxes[".patch"]
    assert patch["y"] <= caret["y"] and caret["y"] + caret["height"] <= patch["y"] + patch["height"] + 1


def _overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    return (
        a["x"] < b["x"] + b["width"] - 1
        and b["x"] < a["x"] + a["width"] - 1
        and a["y"] < b["y"] + b["height"] - 1
        and b["y"] < a["y"] + a["height"] - 1
    )


def test_keys_typed_fast_after_e_are_text(opened, playing):
    before = text_of(playing)
    opened.keyboard.type("ehello dt")
    wait_until(opened, lambda: "hello dt" in text_of(playing))
    assert len(text_of(playing)) == len(before) + 8
    assert playing.commands == [] and mode(opened) == "EDIT"


def test_a_phone_shows_and_writes_the_text_whenever_it_is_opened(browser_page, studio, playing):
    browser_page.set_viewport_size({"width": 390, "height": 844})
    browser_page.goto(studio.url)
    for _ in range(2):
        browser_page.locator(".buttons").get_by_text("text", exact=True).click()
        browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
        before = text_of(playing)
        browser_page.locator(".cm-line").first.click()
        browser_page.keyboard.type("# mine ")
        wait_until(browser_page, lambda before=before: len(text_of(playing)) == len(before) + 7)
        browser_page.get_by_role("button", name="hands").click()
    # A window that grows has it, too.
    browser_page.set_viewport_size({"width": 1440, "height": 900})
    browser_page.wait_for_selector(".cm-line:has-text('# mine')")


def test_another_patch_comes_with_nothing_selected(opened, playing, tmp_path):
    enter(opened)
    opened.keyboard.press("Control+a")
    opened.wait_for_selector(".cm-selectionBackground", state="attached")
    opened.keyboard.press("Escape")
    wait_until(opened, lambda: opened.locator(".cm-selectionLayer").is_hidden())
    file = tmp_path / "other.ganz"
    file.write_text("# another\nout(noise())\n", "utf-8", newline="")
    watched = PatchFile(file)
    playing.document.go_on_in("other.ganz", watched.read(None), watched)
    opened.wait_for_selector(".cm-line:has-text('# another')")
    opened.wait_for_selector(".cm-selectionBackground", state="detached")


def test_a_mistake_that_is_undone_is_not_said_any_more(opened, playing):
    enter(opened)
    opened.keyboard.type("x = 1")
    opened.keyboard.press("Control+Shift+Enter")
    wait_until(opened, lambda: playing.now.patch_text.endswith("x = 1"))
    opened.wait_for_selector(".unplayed-line", state="detached")
    playing.now.errors = [Problem("there is no 'nois'", "", None, len(text_of(playing).split("\n")), 9)]
    opened.keyboard.type(" + nois")
    opened.keyboard.press("Control+Enter")
    opened.wait_for_selector(".problem-words:has-text('no \\'nois\\'')")
    opened.wait_for_selector(".said.says-trouble")
    opened.get_by_test_id("problem").wait_for(state="detached")  # once is enough
    opened.keyboard.press("Backspace")
    opened.wait_for_selector(".changed-words:has-text('Ctrl+Enter plays it')")
    for _ in range(len(" + noi")):
        opened.keyboard.press("Backspace")
    wait_until(opened, lambda: text_of(playing).endswith("x = 1"))
    for gone in (".changed-words", ".problem-words", ".said.says-trouble", ".unplayed-line"):
        opened.wait_for_selector(gone, state="detached")
