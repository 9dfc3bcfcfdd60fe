"""The page in a real browser: what a person sees."""

from __future__ import annotations

import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

from fake_show import Running, flat
from ganzfeld.errors import GanzfeldError
from ganzfeld.studio.server import StudioServer
from ganzfeld.values.status import Problem
from studio_client import port_of

CENTRE = """() => {
    // The canvas lives in a worker: its picture is read as any picture is, by drawing it somewhere else.
    const canvas = document.querySelector('.picture canvas');
    if (!canvas) return [-99, -99, -99, 0];  // not there yet
    const copy = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
    copy.drawImage(canvas, 0, 0, canvas.width, canvas.height, 0, 0, 1, 1);
    return [...copy.getImageData(0, 0, 1, 1).data];
}"""


def wait_until(page, holds, within: float = 10) -> None:
    """Asks again and again from here: the page's policy lets nobody evaluate text in it, not even playwright."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(20)


def wait_for_grey(page, value: int) -> None:
    wait_until(page, lambda: max(abs(channel - value) for channel in page.evaluate(CENTRE)[:3]) < 4)


def wait_for_text(page, text: str) -> None:
    wait_until(page, lambda: text in page.locator(".cm-content").inner_text())


def test_frames_move(browser_page, studio, show):
    with Running(show):
        browser_page.goto(studio.url)
        browser_page.wait_for_selector(".picture[data-size='64x48']")
        seen = set()
        for _ in range(40):
            seen.add(browser_page.evaluate(CENTRE)[0] // 8)
            browser_page.wait_for_timeout(25)
            if len(seen) > 4:
                break
    assert len(seen) > 4
    # The last frame is not lost on the way.
    show.push(flat(123))
    wait_for_grey(browser_page, 123)


def test_the_picture_fills_the_window_in_its_own_shape_and_colours(browser_page, studio, show):
    image = flat(0, width=200, height=100)
    image[:50, :, :3] = (250, 40, 40)
    image[50:, :, :3] = (40, 40, 250)
    show.push(image)
    browser_page.set_viewport_size({"width": 1000, "height": 800})
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".picture.crisp[data-size='200x100']")
    browser_page.keyboard.press("h")
    browser_page.wait_for_selector(".overlay", state="hidden")
    seen = np.asarray(Image.open(io.BytesIO(browser_page.screenshot())).convert("RGB")).astype(int)
    assert seen.shape == (800, 1000, 3)
    assert seen[140, 500].max() < 5 and seen[660, 500].max() < 5  # letterbox
    for y in (156, 390):
        for x in (3, 500, 996):
            assert np.abs(seen[y, x] - (250, 40, 40)).max() < 12
    for y in (410, 644):
        assert np.abs(seen[y, 500] - (40, 40, 250)).max() < 12


def test_the_patch_and_the_numbers_are_there(browser_page, studio, show):
    show.push(flat(1))
    show.now.t = 3725.0
    browser_page.goto(studio.url)
    wait_for_text(browser_page, "simplex2d")
    assert browser_page.locator(".cm-line").count() == show.now.patch_text.count("\n") + 1
    meters = " ".join(browser_page.locator(".meters").inner_text().split())
    assert meters.startswith("60 fps 8.4 ms")
    assert "64×48" in meters and "cpu" in meters and "1:02:05" in meters
    assert browser_page.locator(".state .name").inner_text() == "organ.ganz"
    assert browser_page.title() == "organ.ganz · Ganzfeld"
    # The text is coloured, in the font that came with the page.
    assert "knob" in browser_page.locator(".token-call").all_inner_texts()
    assert "psi" in browser_page.locator(".name-argument").all_inner_texts()
    assert browser_page.evaluate("document.fonts.check('16px \"JetBrains Mono Variable\"')")
    assert browser_page.locator(".cm-content").get_attribute("contenteditable") == "true"


def test_an_error_is_one_line_and_marks_its_place(browser_page, studio, show):
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".cm-line")
    assert browser_page.locator(".problem").count() == 0
    show.now.errors = [
        Problem("'bend' has no parameter 'rotat'", "Did you mean 'rotate'?", "/shows/organ.ganz", 7, 18),
        Problem("another"),
    ]
    line = browser_page.get_by_test_id("problem")
    line.wait_for()
    words = " ".join(line.inner_text().split())
    assert words == "organ.ganz:7:18 'bend' has no parameter 'rotat' Did you mean 'rotate'? +1"
    assert line.bounding_box()["height"] < 60
    assert browser_page.locator(".problem-line").inner_text().startswith('face.bend("b64"')
    assert browser_page.locator(".problem-place").all_inner_texts() == ["rotat"]
    assert browser_page.locator(".problem-words").inner_text().startswith("'bend' has no parameter 'rotat'")
    # A save repairs it: the text changes, the error goes.
    show.document.saved_elsewhere(show.now.patch_text.replace("rotat=", "rotate="))
    show.now.errors = []
    line.wait_for(state="detached")
    browser_page.wait_for_selector(".problem-line", state="detached")
    wait_for_text(browser_page, "rotate=40")


def test_a_key_hides_the_overlay_and_brings_it_back(browser_page, studio, show):
    browser_page.goto(studio.url)
    overlay = browser_page.locator(".overlay")
    browser_page.wait_for_selector(".cm-line")
    browser_page.keyboard.press("h")
    overlay.wait_for(state="hidden")
    assert browser_page.locator(".trouble").count() == 0
    show.now.errors = [Problem("trouble")]
    browser_page.wait_for_selector("output.trouble")  # a point in the corner, no words
    browser_page.keyboard.press("h")
    overlay.wait_for(state="visible")


def test_shift_and_space_pause_and_play(browser_page, studio, show):
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".meters")
    browser_page.keyboard.press("Space")  # alone it stops nothing: the caret may be lost
    browser_page.keyboard.press("Shift+Space")
    browser_page.wait_for_selector(".state .word:text('paused')")
    browser_page.keyboard.press("Shift+Space")
    browser_page.wait_for_selector(".state .word", state="detached")
    assert show.commands == [("pause", {}), ("resume", {})]


def test_the_beat_is_tapped_at_the_tempo_and_with_t(browser_page, studio, show):
    browser_page.goto(studio.url)
    tempo = browser_page.get_by_role("button", name="120 bpm")
    tempo.dispatch_event("pointerdown")
    browser_page.keyboard.press("t")
    wait_until(browser_page, lambda: show.commands == [("tap", {}), ("tap", {})])
    show.now.bpm = 93.27
    wait_until(browser_page, lambda: browser_page.get_by_role("button", name="93.3 bpm").count() == 1)


def test_dice_are_rolled_kept_and_taken_back(browser_page, studio, show):
    line = 'face.bend("b64", rotat=40*push, channels=0.3, seed=4)'
    browser_page.goto(studio.url)
    wait_for_text(browser_page, line)
    for key in ("Enter", "Escape"):
        browser_page.keyboard.press(key)  # nothing to keep or to take back yet
    browser_page.keyboard.press("d")
    dice = browser_page.get_by_test_id("dice")
    dice.wait_for()
    show.now.rolled = line
    browser_page.wait_for_selector(f".rolled-line:has-text('{line[:16]}')")
    browser_page.get_by_role("button", name="roll again").click()
    browser_page.keyboard.press("Enter")  # a click has not taken the keys away
    dice.wait_for(state="detached")
    browser_page.keyboard.press("d")
    dice.wait_for()
    browser_page.keyboard.press("Escape")
    dice.wait_for(state="detached")
    browser_page.keyboard.press("Control+z")
    wait_until(browser_page, lambda: len(show.commands) == 6)
    assert [name for name, _ in show.commands] == ["roll", "roll", "keep", "roll", "back", "back"]


def test_a_script_is_allowed_by_hand(browser_page, studio, show):
    show.now.pending_trust = ["/shows/winter/swarm.py"]
    browser_page.goto(studio.url)
    question = browser_page.get_by_test_id("permission")
    question.wait_for()
    assert "swarm.py" in question.inner_text() and "/shows/winter/swarm.py" in question.inner_text()
    # No single key says yes: they do what they always do.
    for key in ("Shift+Space", "Enter", "a", "y"):
        browser_page.keyboard.press(key)
    browser_page.wait_for_selector(".state .word:text('paused')")
    assert show.now.pending_trust
    browser_page.get_by_role("button", name="Allow").click()
    question.wait_for(state="detached")
    assert ("trust", {"path": "/shows/winter/swarm.py"}) in show.commands


def test_not_now_is_told_so_that_nobody_else_waits_for_an_answer(browser_page, studio, show):
    show.now.pending_trust = ["/shows/winter/swarm.py"]
    browser_page.goto(studio.url)
    question = browser_page.get_by_test_id("permission")
    question.wait_for()
    browser_page.get_by_role("button", name="Not now").click()
    question.wait_for(state="detached")
    wait_until(browser_page, lambda: ("later", {"path": "/shows/winter/swarm.py"}) in show.commands)
    assert show.now.pending_trust


def test_a_refused_command_is_said_even_beside_an_error(browser_page, studio, show):
    show.now.errors = [Problem("trouble")]
    show.refuses = GanzfeldError("nothing plays yet", hint="Wait for the first picture.")
    browser_page.goto(studio.url)
    browser_page.get_by_test_id("problem").wait_for()
    browser_page.keyboard.press("Shift+Space")
    notice = browser_page.locator(".notice")
    notice.wait_for()
    assert " ".join(notice.inner_text().split()) == "nothing plays yet Wait for the first picture."


def test_a_lost_studio_is_found_again_and_the_last_picture_stays(browser_page, show):
    with StudioServer(show, port=0) as first:
        show.push(flat(90))
        browser_page.goto(first.url)
        wait_for_grey(browser_page, 90)
        port = port_of(first)
    browser_page.wait_for_selector(".state .word:text('reconnecting')")
    wait_for_grey(browser_page, 90)
    browser_page.keyboard.press("Shift+Space")
    browser_page.wait_for_selector(".notice:has-text('did not reach the show')")
    with StudioServer(show, port=port, exact_port=True):
        browser_page.wait_for_selector(".state .word", state="detached")
        show.push(flat(180))
        wait_for_grey(browser_page, 180)


def test_a_page_that_is_laid_out_anew_keeps_its_picture_and_stays_one_viewer(browser_page, studio, show):
    """A phone that is turned, a window that becomes narrow."""
    show.push(flat(30))
    browser_page.goto(studio.url)
    wait_for_grey(browser_page, 30)
    for level, width in ((90, 390), (120, 1024), (150, 390), (180, 1440)):
        browser_page.set_viewport_size({"width": width, "height": 844})
        browser_page.wait_for_selector(".remote .hands" if width == 390 else ".overlay")
        wait_for_grey(browser_page, level - 30 if level > 90 else 30)
        show.push(flat(level))
        wait_for_grey(browser_page, level)
    assert len(browser_page.workers) == 1
    assert browser_page.locator("canvas").count() == browser_page.locator(".picture canvas").count() == 1
    browser_page.keyboard.press("Shift+Space")
    wait_until(browser_page, lambda: show.commands == [("pause", {})])


def test_a_render_that_is_down_is_said(browser_page, studio, show):
    show.now.render_alive = False
    browser_page.goto(studio.url)
    browser_page.wait_for_selector(".state .word:text('render restarting')")


def test_the_cursor_hides_when_idle(browser_page, studio):
    browser_page.goto(studio.url)
    browser_page.mouse.move(200, 200)
    browser_page.wait_for_selector(".studio:not(.idle)", state="attached")
    browser_page.wait_for_selector(".studio.idle", state="attached")
    assert browser_page.evaluate("getComputedStyle(document.querySelector('.cm-content')).cursor") == "none"
    browser_page.mouse.move(300, 300)
    browser_page.wait_for_selector(".studio:not(.idle)", state="attached")


class OtherPage(BaseHTTPRequestHandler):
    """Somebody else's page, with no policy to hold it back."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>other</title>")

    def log_message(self, *arguments: object) -> None:
        pass


def test_another_page_gets_nothing(browser_page, studio, show):
    """The guard as a browser lives it: a page of another origin can neither read, command, embed nor frame."""
    show.push(flat(1))
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherPage) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        browser_page.goto(f"http://127.0.0.1:{other.server_port}/")
        tried = browser_page.evaluate(
            """async (url) => {
                const loads = (element, source) => new Promise((done) => {
                    element.onload = () => done('loaded');
                    element.onerror = () => done('refused');
                    element.src = source;
                    document.body.append(element);
                });
                const opens = (socket) => new Promise((done) => {
                    socket.onopen = () => done('open');
                    socket.onerror = () => done('refused');
                });
                const frame = document.createElement('iframe');
                await loads(frame, url);
                return {
                    read: await fetch(url + 'api/status').then(() => 'read', () => 'refused'),
                    socket: await opens(new WebSocket(url.replace('http', 'ws') + 'live')),
                    picture: await loads(new Image(), url + 'frame.jpg'),
                    framed: frame.contentDocument === null ? 'refused' : 'framed',
                };
            }""",
            studio.url,
        )
        framed = [frame.url for frame in browser_page.frames[1:]]
        other.shutdown()
    assert tried == {"read": "refused", "socket": "refused", "picture": "refused", "framed": "refused"}
    assert framed == ["chrome-error://chromewebdata/"]
