"""Previews in a real browser: dice that look before they play, film strips under numbers of the text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fake_show import FakeShow, flat
from ganzfeld.studio import picture
from ganzfeld.values.previews import PreviewDrawn, PreviewVariant
from studio_client import eventually

PATIENCE = 8000
LINE = 'face.bend("b16", rotate=20*wander(t/7))'
DRAWN = "[data-testid=dice-preview].drawn"


def grey(level: int) -> PreviewDrawn:
    return PreviewDrawn(0, 0, 32, 18, picture.jpeg(flat(level, width=32, height=18)))


@pytest.fixture
def opened(browser_page, studio, show: FakeShow):
    """The page, when its text is there; each variant is a grey of its own."""
    show.previews.draws = lambda index, variant: grey(40 * index + 50)
    show.now.playing_version = 1
    show.push(flat(30))
    browser_page.set_default_timeout(PATIENCE)
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line:has-text('simplex2d')")
    browser_page.evaluate("() => document.fonts.ready.then(() => true)")  # what is pressed must not move any more
    return browser_page


def roll(page, show: FakeShow, after: int = 7) -> None:
    page.locator("body").press("d")
    assert eventually(lambda: show.commands)
    show.now.rolled, show.now.rolled_after = LINE, after
    page.wait_for_selector(".proposed-line")


def spot(page, word: str, more: float = 0.5) -> tuple[float, float]:
    """Where a word of the text is on the screen."""
    found = page.evaluate(
        """word => {
            const walker = document.createTreeWalker(document.querySelector(".cm-content"), NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const at = node.data.indexOf(word);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + word.length);
                const box = range.getBoundingClientRect();
                return [box.x, box.y + box.height / 2, box.width];
            }
        }""",
        word,
    )
    return found[0] + found[2] * more, found[1]


def shade(page, selector: str) -> int:
    return page.evaluate(
        "selector => document.querySelector(selector).getContext('2d').getImageData(8, 8, 1, 1).data[0]", selector
    )


def asked(show: FakeShow) -> list[PreviewVariant]:
    assert eventually(lambda: show.previews.asked)
    return show.previews.newest[1]


def settles(show: FakeShow, holds: Callable[[list[PreviewVariant]], bool]) -> None:
    assert eventually(lambda: show.previews.asked and holds(show.previews.newest[1]))


def test_a_rolled_line_is_looked_at_and_stands_in_no_text_before_it_is_taken(opened, show: FakeShow) -> None:
    text = show.document.text
    roll(opened, show)
    opened.wait_for_selector(DRAWN)
    assert [each.line for each in asked(show)] == [LINE]
    assert abs(shade(opened, DRAWN) - 50) < 4
    lines = opened.locator(".cm-content > *").all_inner_texts()
    assert lines[7] == LINE, "where it would stand"
    assert eventually(lambda: abs(shade(opened, ".dice-pictures figure canvas") - 30) < 4), "what plays, beside it"
    assert show.document.text == text
    # Another roll is another question; the picture stays, dimmed, until there is one of the new line.
    show.previews.draws = lambda index, variant: None
    opened.locator("body").press("d")
    assert eventually(lambda: len(show.commands) == 2)
    show.now.rolled = other = LINE.replace("20", "30")
    opened.wait_for_selector("[data-testid=dice-preview]:not(.drawn)")
    settles(show, lambda variants: variants[0].line == other)
    opened.locator("body").press("Enter")
    opened.wait_for_selector("[data-testid=dice]", state="detached")
    opened.wait_for_selector(".proposed-line", state="detached")
    assert [name for name, _ in show.commands] == ["roll", "roll", "keep"]
    assert eventually(lambda: not show.previews.asked), "nobody looks any more"


def test_a_preview_that_cannot_be_says_why_and_the_line_can_be_taken(opened, show: FakeShow) -> None:
    show.previews.draws = lambda index, variant: PreviewDrawn(0, 0, problem="the card has too little memory left")
    roll(opened, show)
    opened.wait_for_selector(".dice-problem:has-text('no preview: the card has too little memory left')")
    opened.locator(".dice").get_by_role("button", name="keep").click()
    assert eventually(lambda: show.commands[-1][0] == "keep")


def test_dice_that_are_armed_play_at_once_and_need_no_preview(opened, show: FakeShow) -> None:
    roll(opened, show)
    opened.get_by_role("button", name="on the wall at once").click()
    assert eventually(lambda: show.commands[-1][0] == "arm")
    show.now.rolled, show.now.rolled_after = 'face.bend("b64", rotat=40*push, channels=0.3, seed=4)', 0
    opened.wait_for_selector(".rolled-line")
    opened.get_by_role("button", name="take back").wait_for()
    assert opened.locator("[data-testid=dice-preview], .proposed-line").count() == 0
    assert eventually(lambda: not show.previews.asked)
    opened.locator("[aria-pressed=true]:has-text('at once')").click()
    assert eventually(lambda: show.commands[-1][0] == "disarm")


def test_other_amounts_of_a_rolled_line_are_a_click_away(opened, show: FakeShow) -> None:
    roll(opened, show)
    opened.wait_for_selector(DRAWN)
    opened.get_by_role("button", name="−2 … 2").click()
    opened.wait_for_selector(".dice .filmstrip:not(:has(canvas:not(.drawn)))")
    settles(show, lambda variants: len(variants) == 5)
    assert [each.line for each in asked(show)] == [
        LINE.replace("20", value) for value in ("-40", "-20", "0", "20", "40")
    ]
    assert eventually(lambda: abs(shade(opened, DRAWN) - 170) < 4), "the large picture goes on with the strip's fourth"
    opened.get_by_role("button", name="Take 40").click()
    assert eventually(lambda: show.done[-1:] == [("take roll", LINE.replace("20", "40"))])


def test_a_number_that_the_pointer_rests_on_gets_a_film_strip_and_a_click_takes_a_value(opened, show: FakeShow) -> None:
    opened.mouse.move(5, 300)
    opened.mouse.move(*spot(opened, "0.9"))
    opened.wait_for_selector(".filmstrip:not(:has(canvas:not(.drawn)))")
    log, version = show.document.told("", 0)[0].log, show.document.told("", 0)[0].version
    _, variants, _, document = show.previews.newest
    assert (document["log"], document["version"]) == (log, version)
    texts = [show.document.text_with(log, version, each.changes) if each.changes else "" for each in variants]
    values = ["-1.8", "-0.9", "0", "", "1.8"]
    assert [text and text.split("amplitude=")[1].split(",")[0] for text in texts] == values
    opened.mouse.move(5, 300)
    opened.wait_for_selector(".filmstrip", state="detached")
    assert eventually(lambda: not show.previews.asked)
    opened.mouse.move(*spot(opened, "0.9"))
    opened.get_by_role("button", name="Take 1.8").click()
    assert eventually(lambda: "amplitude=1.8" in show.now.patch_text and "amplitude=1.8" in show.document.text)
    assert show.played_at_once and opened.get_by_test_id("mode").inner_text() == "PLAY"
    opened.wait_for_selector(".filmstrip", state="detached")


def test_a_caret_that_rests_in_a_bend_gets_a_film_strip_and_typing_takes_it_away(opened, show: FakeShow) -> None:
    opened.mouse.click(*spot(opened, "bend"))
    opened.wait_for_selector(".studio.editing .filmstrip")
    assert eventually(lambda: show.previews.asked)
    words = opened.locator(".strip-frame span").all_inner_texts()
    assert words == ["−80", "−40", "0", "40", "80"] and opened.locator(".strip-frame.now").inner_text() == "40"
    opened.keyboard.type("x")
    opened.wait_for_selector(".filmstrip", state="detached")
    opened.keyboard.press("Backspace")
    opened.keyboard.press("ArrowLeft")
    opened.wait_for_selector(".filmstrip")
    opened.keyboard.press("Control+Home")
    opened.wait_for_selector(".filmstrip", state="detached")
    opened.mouse.click(*spot(opened, "bend"))
    opened.wait_for_selector(".filmstrip")
    opened.keyboard.press("Escape")
    opened.wait_for_selector(".filmstrip", state="detached")
    assert eventually(lambda: not show.previews.asked)
    opened.keyboard.press("e")
    opened.keyboard.press("ArrowRight")
    opened.wait_for_selector(".filmstrip")
    opened.keyboard.press("Alt+1")
    assert eventually(lambda: "rotat=-80*push" in show.now.patch_text)


def test_who_drags_a_number_or_locked_the_stage_gets_no_film_strip(opened, show: FakeShow) -> None:
    x, y = spot(opened, "0.9")
    opened.mouse.move(5, 300)
    opened.mouse.move(x, y)
    opened.wait_for_selector(".filmstrip")
    opened.mouse.down()
    opened.wait_for_selector(".filmstrip", state="detached")
    opened.mouse.move(x + 30, y, steps=3)
    opened.wait_for_selector(".dragged-number")
    opened.mouse.up()
    assert opened.locator(".filmstrip").count() == 0


def test_one_word_tells_why_a_film_strip_is_empty(opened, show: FakeShow) -> None:
    show.previews.draws = lambda index, variant: PreviewDrawn(0, 0, problem="it takes too long")
    opened.mouse.move(5, 300)
    opened.mouse.move(*spot(opened, "0.9"))
    opened.wait_for_selector(".filmstrip-problem:has-text('it takes too long')")
    assert opened.locator(".filmstrip-problem").count() == 1
