"""The desk in a real browser: knobs turned, snapshots recalled, a pad, a control learned; and over the wire."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from test_studio_browser import wait_until

from fake_show import KNOB, flat
from ganzfeld.errors import GanzfeldError
from ganzfeld.values.desk import BinnedSnapshot, Desk, KnobOnDesk, LearnableNumber, Lesson, SnapshotOnDesk

KNOBS = (KNOB, KnobOnDesk("/warmth", 0.25, 0.5, "midi", 0.0, 1.0, 2.0, 0.4, "1/71", None))
SNAPSHOTS = (SnapshotOnDesk("dawn", (0.0, 0.0)), SnapshotOnDesk("night", (1.0, 1.0), "note 1/60", ("/gone/psi",)))


@pytest.fixture
def desk(show, studio, browser_page):
    """A page with knobs and snapshots on it."""
    show.push(flat(60))
    show.desk_now = Desk(knobs=KNOBS, snapshots=SNAPSHOTS, kept=True)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".knob")
    return browser_page


def done(page, show, *what):
    wait_until(page, lambda: what in show.done)


@pytest.mark.parametrize(
    "message",
    [{"kind": "turn", "address": "/push"}, {"kind": "turn", "address": "/push", "value": "much"},
     {"kind": "snapshot", "do": "explode"}, {"kind": "snapshot", "do": "recall", "arguments": [["dawn"]]},
     {"kind": "learn", "target": 7}, {"kind": "release", "address": "/push", "more": 1}],
)  # fmt: skip
def test_nonsense_ends_the_conversation_and_does_nothing(view, show, message):
    with view() as viewer:
        viewer.connection.send(msgspec.msgpack.encode(message))
        with pytest.raises(Exception, match="1008"):
            for _ in range(50):
                viewer.connection.recv(timeout=5)
    assert show.done == []


def test_a_knob_follows_the_hand_and_the_show(desk, show):
    push, warmth = desk.get_by_role("slider", name="push"), desk.get_by_role("slider", name="warmth")
    assert " ".join(desk.locator(".knob", has=warmth).inner_text().split()) == "warmth 0.25 1/71"
    box = push.bounding_box()
    desk.mouse.move(box["x"] + 20, box["y"] + 20)
    desk.mouse.down()
    desk.mouse.move(box["x"] + 20, box["y"] + 20 - 34, steps=4)  # a fifth of its way
    wait_until(desk, lambda: show.done and abs(show.done[-1][2] - 1.5) < 0.01)
    assert push.get_attribute("aria-valuenow") == "1.5"
    desk.mouse.up()
    assert all(what[:2] == ("turn", "/push") for what in show.done)
    push.dblclick(position={"x": 12, "y": 12})
    done(desk, show, "release", "/push")
    show.desk_now = replace(show.desk_now, knobs=(replace(KNOBS[0], value=3.0, position=1.0, by="snapshot"), KNOBS[1]))
    wait_until(desk, lambda: push.get_attribute("aria-valuenow") == "3")
    warmth.focus()
    desk.keyboard.press("ArrowUp")
    wait_until(desk, lambda: any(what[1] == "/warmth" and abs(what[2] - 0.51**2) < 1e-6 for what in show.done))


def test_snapshots_are_stored_recalled_renamed_and_deleted(desk, show):
    desk.get_by_role("button", name="+ store").click()
    done(desk, show, "hit", "/snapshot/store", "A")
    desk.keyboard.press("2")  # the page has the keys still
    done(desk, show, "hit", "/snapshot/recall", "night")
    desk.get_by_title("Recall dawn").click()
    done(desk, show, "hit", "/snapshot/recall", "dawn")
    assert "/gone/psi" in (desk.get_by_title("No longer in the patch").get_attribute("title") or "")
    desk.get_by_role("button", name="as written").first.click()
    done(desk, show, "hit", "/snapshot/release")
    desk.get_by_role("button", name="More about dawn").click()
    desk.get_by_label("Name").fill("  morning ")
    desk.keyboard.press("Enter")
    done(desk, show, "arrange", "rename", "dawn", "morning")
    for word, what in (
        ("store what is shown here", ("hit", "/snapshot/store", "night")),
        ("forget note 1/60", ("connect", "snapshot:night", None)),
        ("delete, into the bin", ("arrange", "delete", "night")),
    ):
        desk.get_by_role("button", name="More about night").click()
        desk.get_by_role("button", name=word).click()
        done(desk, show, *what)
    show.desk_now = replace(show.desk_now, bin=(BinnedSnapshot("night"),))
    desk.get_by_role("button", name="bin 1").click()
    desk.get_by_test_id("bin").get_by_role("button", name="night").click()
    done(desk, show, "arrange", "undelete", "night")
    show.desk_now = replace(show.desk_now, bin=())
    desk.get_by_role("button", name="bin 1").wait_for(state="detached")
    desk.get_by_label("Length of a fade").fill("2,5")
    desk.keyboard.press("Enter")
    done(desk, show, "arrange", "fade", 2.5, "seconds", "now")
    desk.get_by_label("When a recall begins").select_option("bar")
    done(desk, show, "arrange", "fade", 0.0, "seconds", "bar")
    show.desk_now = replace(show.desk_now, held={"/push": 1.5}, shown=("dawn",), share=0.5, waiting="night")
    desk.wait_for_selector(".chip.shown .arriving")
    assert desk.locator(".chip.shown .chip-name").all_inner_texts() == ["dawn"]
    assert desk.locator(".chip.waits .chip-name").all_inner_texts() == ["night"]


def test_the_pad_morphs_and_its_snapshots_are_moved(desk, show):
    desk.get_by_role("button", name="pad").click()
    pad = desk.get_by_test_id("pad")
    box = pad.bounding_box()

    def drag(x, y, to_x, to_y):
        desk.mouse.move(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])
        desk.mouse.down()
        desk.mouse.move(box["x"] + to_x * box["width"], box["y"] + (1 - to_y) * box["height"], steps=3)
        desk.mouse.up()

    drag(0.2, 0.6, 0.5, 0.75)
    wait_until(
        desk,
        lambda: (
            show.done
            and show.done[-1][1] == "/snapshot/morph"
            and show.done[-1][2:] == pytest.approx((0.5, 0.75), abs=0.01)
        ),
    )
    show.done.clear()
    desk.get_by_role("button", name="move").click()
    drag(0.4, 0.4, 0.6, 0.6)  # nothing lies there
    drag(0.01, 0.01, 0.3, 0.4)
    wait_until(desk, lambda: show.done and show.done[-1][:3] == ("arrange", "place", "dawn"))
    wait_until(desk, lambda: show.done[-1][3:] == pytest.approx((0.3, 0.4), abs=0.02))
    assert {what[0] for what in show.done} == {"arrange"}


def test_a_control_is_learned_for_a_knob_or_for_a_number_in_the_text(desk, show):
    desk.keyboard.press("l")
    done(desk, show, "learn", None)
    line, column = 5, show.now.patch_text.splitlines()[4].index("0.9") + 1
    show.teach(Lesson(numbers=(LearnableNumber("/source/amplitude", line, column, 3),)))
    desk.wait_for_selector(".learnable-number")
    assert desk.locator(".learnable-number").all_inner_texts() == ["0.9"]
    desk.locator(".learnable-number").click()
    done(desk, show, "learn", "/source/amplitude")
    desk.get_by_role("slider", name="warmth").click()
    done(desk, show, "learn", "/warmth")
    desk.locator(".knob.chosen").wait_for()
    lesson = desk.get_by_test_id("lesson").inner_text()
    assert lesson.startswith("Touch a control, or pick one under inputs, for warmth")
    assert not any(what[0] == "turn" for what in show.done)
    desk.get_by_role("button", name="forget 1/71").click()
    done(desk, show, "connect", "/warmth", None)
    desk.get_by_test_id("lesson").wait_for(state="detached")
    show.teach(Lesson(control="cc 1/7"))
    desk.get_by_text("click what it is to turn").wait_for()
    desk.keyboard.press("Escape")
    done(desk, show, "stop")


def test_what_cannot_be_learned_is_said(desk, show):
    show.refuses = GanzfeldError("No control can be learned", hint="No MIDI is listened to")
    desk.get_by_role("button", name="learn", exact=True).click()
    desk.locator(".notice").wait_for()
    assert "No MIDI" in desk.locator(".notice").inner_text()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_everything_is_on_the_page_and_nothing_covers_the_text(desk, show, size):
    desk.set_viewport_size({"width": size[0], "height": size[1]})
    show.desk_now = replace(
        show.desk_now,
        knobs=tuple(replace(KNOBS[1], address=f"/knob_{k}") for k in range(12)),
        snapshots=tuple(SnapshotOnDesk(f"snapshot {k}", (0.2, 0.8)) for k in range(12)),
    )
    wait_until(desk, lambda: desk.locator(".knob").count() == 8)
    assert "1–8 of 12" in desk.locator(".banks").inner_text()
    text, stand = desk.locator(".patch").bounding_box(), desk.locator(".desk").bounding_box()
    assert text["y"] + text["height"] <= stand["y"] + 1
    assert stand["x"] + stand["width"] <= size[0] and stand["y"] + stand["height"] <= size[1]
    assert text["height"] > 0.2 * size[1]  # with what to try, which is there once
    for name in ("learn", "pad", "+ store"):
        box = desk.get_by_role("button", name=name, exact=True).bounding_box()
        assert box["x"] + box["width"] <= size[0] and box["y"] + box["height"] <= size[1]
