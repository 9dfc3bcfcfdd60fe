"""The page's hands in a real browser: master, knobs, snapshots, doors, films, inputs; and the screens it is seen on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from msgspec.structs import replace

from fake_show import flat
from far_ends.film import decoded
from ganzfeld.studio import side_routes
from ganzfeld.studio.server import StudioServer
from ganzfeld.values.desk import KnobOnDesk
from ganzfeld.values.inputs import Arrival, Inputs, SoundHeard
from ganzfeld.values.status import TakeStatus
from hands_show import HandsShow, KnownOutputs, KnownSounds

SIZES = ((1440, 900), (1920, 1080), (1024, 768), (820, 1180))
PHONES = ((390, 844), (360, 640), (844, 390))


def wait_until(page, holds: Callable[[], object], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HandsShow]:
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(side_routes, "outputs_here", KnownOutputs)
    monkeypatch.setattr(side_routes, "sounds_here", KnownSounds)
    show = HandsShow(tmp_path / "organ.mp4")
    yield show
    show.close()


@pytest.fixture
def opened(browser_page, studio: StudioServer, show: HandsShow):
    """The page, when its desk is there."""
    browser_page.set_default_timeout(30_000)
    browser_page.goto(studio.url)
    browser_page.get_by_role("slider", name="push", exact=True).wait_for()
    return browser_page


def last(show: HandsShow, what: str) -> tuple | None:
    return next((done[1:] for done in reversed(show.done) if done[0] == what), None)


def test_the_master_is_unmistakable_and_comes_back(opened, show):
    master = opened.get_by_test_id("master")
    alarm = opened.get_by_test_id("alarm")
    assert alarm.count() == 0
    master.get_by_label("Seconds in which black").select_option("0")
    master.get_by_role("button", name="black").click()
    alarm.wait_for()
    assert "BLACK" in alarm.inner_text().upper()
    wait_until(opened, lambda: show.stage.master.status().black == 1)
    opened.keyboard.press("h")
    opened.wait_for_selector(".overlay", state="hidden")
    assert alarm.is_visible()
    box = alarm.bounding_box()
    assert (box["width"], box["height"]) == (1024, 768)
    alarm.get_by_role("button").click()
    alarm.wait_for(state="detached")
    wait_until(opened, lambda: show.stage.master.status().black == 0)
    opened.keyboard.press("Control+Shift+Period")
    wait_until(opened, lambda: show.stage.master.status().frozen and "FROZEN" in alarm.inner_text().upper())
    opened.keyboard.press("Control+Shift+Period")
    alarm.wait_for(state="detached")


def test_a_level_and_a_door_of_its_own(opened, show, tmp_path):
    (tmp_path / "far").mkdir()
    show.stage.doors.open(f'wall=null:"{tmp_path / "far"}"')
    show.stage.doors.open(f'null:"{tmp_path / "far"}"')
    master = opened.get_by_test_id("master")
    master.get_by_label("What the master moves").select_option("wall")
    level = master.get_by_role("slider", name="Master level")
    level.focus()
    opened.keyboard.press("PageDown")
    wait_until(opened, lambda: next(door for door in show.status().doors if door.name == "wall").level < 1)
    assert show.stage.master.status().level == 1
    level.dblclick()
    wait_until(opened, lambda: next(door for door in show.status().doors if door.name == "wall").level == 1)


def test_a_knob_is_typed_wheeled_moved_by_keys_and_reset(opened, show):
    opened.get_by_role("button", name="Type a value for push").click()
    field = opened.get_by_role("textbox", name="Value of push")
    field.fill("loud")
    opened.keyboard.press("Enter")
    assert last(show, "turn") is None
    opened.get_by_role("button", name="Type a value for push").click()
    field.fill("-1,25")
    opened.keyboard.press("Enter")
    wait_until(opened, lambda: last(show, "turn") == ("/push", -1.25))
    opened.get_by_role("button", name="Type a value for push").click()
    field.fill("999")
    opened.keyboard.press("Escape")
    dial = opened.get_by_role("slider", name="push", exact=True)
    opened.wait_for_timeout(500)  # what the hand holds gives way to what the show says
    dial.hover(position={"x": 12, "y": 12})
    opened.mouse.wheel(0, -100)
    wait_until(opened, lambda: abs((show.push_value or 0) + 1.15) < 1e-6)
    opened.wait_for_timeout(500)
    dial.press("Shift+ArrowUp")
    wait_until(opened, lambda: abs((show.push_value or 0) + 1.145) < 1e-6)
    dial.press("End")
    wait_until(opened, lambda: show.push_value == 3)
    dial.dblclick(position={"x": 12, "y": 12})
    wait_until(opened, lambda: show.push_value is None)


def test_many_knobs_stand_in_banks_of_eight(opened, show):
    more = tuple(KnobOnDesk(f"/knob{k}", 0.5, 0.5) for k in range(18))
    show.desk_now = replace(show.desk_now, knobs=more)
    opened.wait_for_selector(".banks output:text('1–8 of 19')")
    assert opened.locator(".knob").count() == 8
    opened.get_by_role("button", name="Further knobs").click()
    opened.get_by_role("button", name="Further knobs").click()
    opened.wait_for_selector(".banks output:text('17–19 of 19')")
    assert opened.get_by_role("button", name="Further knobs").is_disabled()


def chips(page) -> list[str]:
    return page.locator(".chip .chip-name").all_inner_texts()


def test_snapshots_have_pictures_an_order_undo_and_a_bin(opened, show):
    show.turn("/push", -2.0)
    opened.get_by_role("button", name="+ store").click()
    picture = opened.locator(".chip img.thumbnail")
    picture.wait_for()
    wait_until(opened, lambda: picture.evaluate("image => image.naturalHeight") > 0)
    show.turn("/push", 2.0)
    opened.get_by_role("button", name="+ store").click()
    wait_until(opened, lambda: chips(opened) == ["A", "B"] and picture.count() == 2)
    opened.get_by_role("button", name="Recall A").click()
    wait_until(opened, lambda: show.push_value == -2)
    first, second = opened.locator(".chip").nth(0).bounding_box(), opened.locator(".chip").nth(1).bounding_box()
    opened.mouse.move(first["x"] + 20, first["y"] + 40)
    opened.mouse.down()
    opened.mouse.move(second["x"] + second["width"] - 4, second["y"] + 40, steps=6)
    opened.mouse.up()
    wait_until(opened, lambda: chips(opened) == ["B", "A"])
    assert show.push_value == -2, "a drag is no click"
    opened.get_by_role("button", name="undo: order A").click()
    wait_until(opened, lambda: chips(opened) == ["A", "B"])
    opened.get_by_role("button", name="More about A").click()
    opened.get_by_role("button", name="delete, into the bin").click()
    wait_until(opened, lambda: chips(opened) == ["B"])
    opened.get_by_role("button", name="bin 1").click()
    opened.get_by_test_id("bin").get_by_role("button", name="A").click()
    wait_until(opened, lambda: chips(opened) == ["A", "B"])
    assert opened.get_by_test_id("bin").count() == 0
    assert opened.locator(".chip img.thumbnail").count() == 2


def test_a_door_is_opened_watched_and_closed(opened, show, tmp_path):
    opened.get_by_role("button", name="doors").click()
    panel = opened.get_by_test_id("panel-doors")
    film = panel.get_by_test_id("kind-film")
    film.locator("summary").click()
    film.get_by_role("textbox").fill(str(tmp_path / "night, long.mp4"))
    panel.get_by_label("Which output").select_option("out")
    film.get_by_role("button", name="open").click()
    row = panel.get_by_test_id("door-out")
    wait_until(opened, lambda: row.count() and re.search(r"records .* \d:\d\d · \d+ kB", row.inner_text()))
    assert "glfw is missing" in panel.inner_text() or panel.locator("summary", has_text="not here").count()
    row.get_by_role("button", name="close").click()
    row.wait_for(state="detached")
    wait_until(opened, lambda: not show.stage.doors._closing)
    assert len(decoded(tmp_path / "night, long.mp4")[0]) > 0
    opened.reload()  # the panel that was open is
    panel.wait_for()


def test_what_is_wrong_with_a_door_is_said_and_it_is_started_again(opened, show, tmp_path):
    name = show.stage.doors.open(f'null:"{tmp_path}",behave=finish')
    opened.get_by_role("button", name="doors").click()
    row = opened.get_by_test_id(f"door-{name}")
    wait_until(opened, lambda: row.count() and "the disk is full" in row.inner_text())
    opened.wait_for_selector(".count.wrong")
    show.stage.doors.change(name, {"behave": ""})
    row.get_by_role("button", name="start again").click()
    wait_until(opened, lambda: "pictures a second" in row.inner_text())
    row.get_by_role("button", name="change").click()
    row.get_by_label("pictures a second, at most").fill("5")
    row.locator("form").get_by_role("button", name="change").click()
    wait_until(opened, lambda: last(show, "door") == ("change", name, {"rate": 5}))
    row.get_by_role("button", name="black").click()
    opened.get_by_test_id("alarm").wait_for()
    opened.get_by_role("button", name="bring it back").click()
    opened.get_by_test_id("alarm").wait_for(state="detached")


def test_the_record_button_is_red_while_a_film_is_made(opened, show):
    record = opened.get_by_test_id("record")
    assert record.get_attribute("aria-pressed") == "false"
    record.click()
    wait_until(opened, lambda: record.get_attribute("aria-pressed") == "true" and "kB" in record.inner_text())
    record.click()
    wait_until(opened, lambda: record.get_attribute("aria-pressed") == "false")
    assert len(decoded(show.film)[0]) > 0
    record.click()  # the next one
    wait_until(opened, lambda: show.film.with_name("organ-2.mp4").exists())


def place_of(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    return box["x"], box["y"]


PLACES = (".cm-line", ".panel", ".desk", ".master", ".tools", ".meters")


def test_what_comes_and_goes_moves_nothing(opened, show):
    opened.set_viewport_size({"width": 1440, "height": 900})
    opened.get_by_test_id("tips").get_by_role("button", name="got it").click()
    opened.get_by_role("button", name="doors").click()
    opened.get_by_test_id("panel-doors").wait_for()
    size = "getComputedStyle(document.querySelector('.patch')).fontSize"

    def state() -> list:
        return [opened.evaluate(size), *(place_of(opened, each) for each in PLACES)]

    opened.get_by_test_id("panel-doors").get_by_test_id("kind-film").wait_for()
    before = state()

    def unmoved() -> None:
        assert state() == before

    show.now.fps, show.now.frame_ms = 4.0, 250.0
    remarks = opened.get_by_test_id("remarks")
    remarks.wait_for()
    assert remarks.inner_text().startswith("slow: cpu takes 250 ms")
    unmoved()
    show.now.fps, show.now.frame_ms = 13.0, 8.0  # a tired machine shows so many, too
    opened.get_by_role("button", name="dice").click()
    opened.get_by_test_id("dice").wait_for()
    unmoved()
    record = opened.get_by_test_id("record")
    record.click()
    wait_until(opened, lambda: "kB" in record.inner_text())
    unmoved()
    remarks.wait_for(state="detached")
    unmoved()
    record.click()
    kept = opened.get_by_test_id("film-kept")
    kept.wait_for()
    assert str(show.film) in kept.inner_text()
    unmoved()
    row = opened.locator(".door").first
    wait_until(opened, lambda: "waits for" in row.inner_text())
    assert row.evaluate("row => getComputedStyle(row).position") == "static"
    panel, inside = opened.locator(".panel").bounding_box(), row.bounding_box()
    assert panel["x"] <= inside["x"] and inside["x"] + inside["width"] <= panel["x"] + panel["width"]


def test_what_arrives_can_be_picked_from(opened, show):
    show.inputs_now = Inputs(
        osc="127.0.0.1:9000",
        arrivals=(Arrival("midi", "/midi/cc/1/74", "0.5", 31.0, 0.1), Arrival("osc", "/fader", "0.2", 60.0, 0.1)),
    )
    opened.get_by_role("button", name="inputs").click()
    panel = opened.get_by_test_id("panel-inputs")
    wait_until(opened, lambda: "60 a second" in panel.inner_text())
    assert "ganzfeld play --midi" in panel.inner_text()
    learn = panel.get_by_role("button", name="learn")
    learn.nth(0).click()
    wait_until(opened, lambda: last(show, "touched") == ("cc 1/74",))
    learn.nth(1).click()
    wait_until(opened, lambda: last(show, "touched") == ("osc /fader",))


def test_what_is_heard_is_seen_and_its_floor_is_moved(opened, show):
    show.inputs_now = Inputs(sound=SoundHeard(source="Scarlett", decibels=-18.0, level=0.7, spectrum=(-20.0,) * 64))
    opened.get_by_role("button", name="sound").click()
    panel = opened.get_by_test_id("panel-sound")
    wait_until(opened, lambda: "Scarlett" in panel.inner_text() and "-18 dB" in panel.inner_text())
    assert float(panel.get_by_role("meter", name="audio.level").get_attribute("value")) == 0.7
    panel.get_by_role("slider").press("ArrowUp")
    wait_until(opened, lambda: last(show, "silence below") == (-49,))


def test_the_sound_device_is_chosen(opened, show):
    opened.get_by_role("button", name="sound").click()
    device = opened.get_by_test_id("sound-device")
    wait_until(opened, lambda: device.locator("option").count() == 4)
    assert device.input_value() == "none"
    device.select_option("USB Audio")
    wait_until(opened, lambda: last(show, "listen to") == ("USB Audio",))
    show.inputs_now = Inputs(sound=SoundHeard(source="USB Audio"))
    wait_until(opened, lambda: device.input_value() == "USB Audio")
    device.select_option("")
    wait_until(opened, lambda: last(show, "listen to") == ("",))


def test_a_take_is_begun_and_ended(opened, show):
    take = opened.get_by_test_id("take")
    take.click()
    wait_until(opened, lambda: ("take", {}) in show.commands)
    show.now.take = TakeStatus(name="night.ganztake", path="/shows/night.ganztake", seconds=3.0, size=2_000_000)
    wait_until(opened, lambda: take.get_attribute("aria-pressed") == "true")
    assert "night.ganztake" in take.get_attribute("title")
    take.click()
    wait_until(opened, lambda: ("end_take", {}) in show.commands)
    show.now.take = None
    opened.get_by_test_id("film-kept").wait_for()
    assert "/shows/night.ganztake" in opened.get_by_test_id("film-kept").inner_text()


def test_the_buttons_above_stand_in_one_line(opened, show):
    show.now.take = TakeStatus(name="night.ganztake", path="/shows/night.ganztake", seconds=3.0, size=2_000_000)
    opened.get_by_test_id("record").click()
    wait_until(opened, lambda: "kB" in opened.get_by_test_id("record").inner_text())
    buttons = opened.locator(".tools button")
    tops = {round(buttons.nth(k).bounding_box()["y"]) for k in range(buttons.count())}
    assert len(tops) == 1


def test_the_picture_of_this_window_becomes_smaller_and_a_reload_keeps_it(opened, show):
    opened.wait_for_selector(".picture[data-size='64x48']")
    show._over.set()
    show.push(flat(90, 800, 600))
    opened.wait_for_selector(".picture[data-size='800x600']")
    opened.get_by_role("button", name="view").click()
    opened.get_by_role("button", name="240", exact=True).click()
    opened.wait_for_selector(".picture[data-size='320x240']")
    opened.reload()
    opened.wait_for_selector(".picture[data-size='320x240']")
    opened.get_by_role("button", name="as it is made").click()
    opened.wait_for_selector(".picture[data-size='800x600']")


def test_a_script_that_was_put_off_is_allowed_without_a_reload(opened, show):
    show.now.pending_trust = ["/shows/swarm.py"]
    opened.get_by_role("button", name="Not now").click()
    opened.get_by_role("button", name="swarm.py does not run yet").click()
    opened.get_by_role("button", name="Allow", exact=True).click()
    wait_until(opened, lambda: ("trust", {"path": "/shows/swarm.py"}) in show.commands)


def test_three_things_to_try_are_shown_once(opened, show):
    tips = opened.get_by_test_id("tips")
    tips.wait_for()
    tips.get_by_role("button", name="got it").click()
    tips.wait_for(state="detached")
    opened.reload()
    opened.get_by_role("slider", name="push", exact=True).wait_for()
    assert tips.count() == 0


def crowded(show: HandsShow) -> None:
    """Everything that takes room."""
    show.desk_now = replace(
        show.desk_now,
        knobs=tuple(KnobOnDesk(f"/a/rather/long/name{k}", 0.5, 0.5, midi="16/127") for k in range(30)),
    )
    for k in range(20):
        show.snapshots.bank = show.snapshots.bank.with_values(f"a snapshot with a name {k}", {"/push": float(k)})
    show.arrange("delete", "a snapshot with a name 3")
    show.now.patch_text += "\n".join(
        f"# line {k}, as long as lines are in patches that somebody wrote" for k in range(90)
    )
    show.now.patch_version = 2


def fits(page, size: tuple[int, int]) -> None:
    width, height = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert width <= size[0] and height <= size[1]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_and_what_is_too_much_scrolls(opened, show, size):
    crowded(show)
    opened.set_viewport_size({"width": size[0], "height": size[1]})
    opened.get_by_role("button", name="doors").click()
    opened.wait_for_selector(".banks output:text('1–8 of 31')")
    opened.wait_for_selector(".chip:nth-child(19)")
    fits(opened, size)
    blocks = opened.locator("header > :not(.right), .right > *, .patch, .panel, .tips, .desk > *, footer > *")
    boxes = [box for box in (blocks.nth(k).bounding_box() for k in range(blocks.count())) if box and box["width"] > 0]
    assert len(boxes) > 8
    for box in boxes:
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] + 1
        assert box["y"] >= 0 and box["y"] + box["height"] <= size[1] + 1
    for one, other in combinations(boxes, 2):
        assert (
            one["x"] + one["width"] <= other["x"] + 1
            or other["x"] + other["width"] <= one["x"] + 1
            or one["y"] + one["height"] <= other["y"] + 1
            or other["y"] + other["height"] <= one["y"] + 1
        ), (one, other)
    assert opened.locator(".patch").bounding_box()["height"] > 100
    row = opened.locator(".chips")
    assert row.evaluate("row => row.scrollWidth > row.clientWidth")
    assert row.evaluate("row => getComputedStyle(row).overflowX") == "auto"


@pytest.mark.parametrize("size", PHONES)
def test_a_phone_is_a_remote(opened, show, size):
    crowded(show)
    opened.set_viewport_size({"width": size[0], "height": size[1]})
    opened.wait_for_selector(".remote .fader")
    fits(opened, size)
    hands = opened.locator(".hands")
    assert hands.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert hands.evaluate("box => box.scrollHeight > box.clientHeight")
    for name in ("black", "freeze", "dice", "pause", "hide", "full screen", "record"):
        box = opened.get_by_role("button", name=name, exact=True).bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44, name
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], name
    opened.get_by_role("button", name="black", exact=True).click()
    opened.get_by_role("button", name="bring it back").click()
    wait_until(opened, lambda: show.stage.master.status().black == 0)
    opened.get_by_role("button", name="tap", exact=False).click()
    wait_until(opened, lambda: ("tap", {}) in show.commands)
    fader = opened.get_by_role("slider", name="push", exact=True)
    fader.scroll_into_view_if_needed()
    box = fader.bounding_box()
    opened.mouse.move(box["x"] + 50, box["y"] + 20)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 50 + box["width"] / 5, box["y"] + 20, steps=5)
    opened.mouse.up()
    wait_until(opened, lambda: show.push_value is not None and abs(show.push_value - 1.5) < 0.1)
    opened.get_by_role("button", name="hide", exact=True).click()
    opened.wait_for_selector(".hands", state="detached")
    opened.get_by_role("button", name="hands").click()
    opened.wait_for_selector(".hands")


def test_keys_reach_everything_and_the_focus_is_seen(opened, show):
    crowded(show)
    opened.wait_for_selector(".chip:nth-child(19)")
    seen: set[str] = set()
    for _ in range(130):
        opened.keyboard.press("Tab")
        found = opened.evaluate(
            """() => {
                const focused = document.activeElement;
                const style = getComputedStyle(focused);
                const name = focused.getAttribute('aria-label') || focused.textContent || '';
                return [name, focused.tagName, style.outlineStyle, style.outlineWidth];
            }"""
        )
        if found[0] == "Patch":
            opened.keyboard.press("Escape")  # in the text, Tab is text
        elif found[1] != "BODY":
            assert found[2] != "none", found
        seen.add(found[0])
        if "Larger text" in seen:
            break
    assert {"doors", "Further knobs", "Recall a snapshot with a name 0", "Master level", "freeze"} <= seen
    assert any(name.endswith("dice") for name in seen)
