"""A link in a real browser: the token goes into a cookie, the page says what it is for, and what became of it."""

from __future__ import annotations

from fake_show import Running
from ganzfeld.studio.links import Links
from ganzfeld.studio.server import StudioServer
from waiting import until


def test_a_link_to_watch_shows_the_picture_and_is_taken_back(browser_page, show, tmp_path):
    links = Links(tmp_path / "links.json")
    with StudioServer(show, port=0, links=links) as studio, Running(show):
        refused = browser_page.goto(studio.url)
        assert refused.status == 401 and "needs a link" in browser_page.inner_text("body")
        browser_page.goto(studio.link("watch", studio.url))
        assert browser_page.url == studio.url  # the token is not in the address bar
        (cookie,) = browser_page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["value"]) == (True, "Lax", links.token("watch"))
        browser_page.wait_for_selector(".picture[data-size='64x48']")
        browser_page.wait_for_selector(".visitor:has-text('you watch')")
        with browser_page.expect_download() as copy:
            browser_page.click("text=take a copy")
        assert copy.value.suggested_filename == "organ.ganz"
        browser_page.reload()
        browser_page.wait_for_selector(".picture[data-size='64x48']")
        links.renew()
        browser_page.wait_for_selector(".visitor:has-text('taken back')")
        browser_page.goto(studio.link("output", studio.url))
        assert browser_page.url == f"{studio.url}output"
        until(lambda: show.pages[""].viewers == 1, seconds=20)
    assert show.commands == [] and show.done == []


def test_the_player_has_the_links_in_a_panel_and_takes_them_back(browser_page, show, tmp_path):
    links = Links(tmp_path / "links.json")
    with StudioServer(show, port=0, links=links) as studio:
        browser_page.goto(studio.link("play", studio.url))
        browser_page.wait_for_selector(".picture")
        assert browser_page.locator(".visitor").count() == 0  # whoever sits at the machine needs no such word
        browser_page.click(".tools button:has-text('links')")
        link = browser_page.get_by_role("textbox", name="The link to watch")
        old = links.token("watch")
        assert old in link.input_value()
        code = browser_page.get_by_role("img", name="QR code of the link to watch")
        until(
            lambda: code.evaluate("image => image.naturalWidth") > 0, seconds=20
        )  # the page's policy lets it be shown
        browser_page.click(".roles button:has-text('output')")
        assert browser_page.get_by_role("textbox", name="The link to output").input_value().count("/output?token=") == 1
        browser_page.click(".roles button:has-text('watch')")
        browser_page.click("text=take all links back")
        assert links.token("watch") == old  # it is asked twice
        browser_page.click("text=show everybody out")
        until(lambda: links.token("watch") != old and links.token("watch") in link.input_value(), seconds=20)
        browser_page.reload()  # by the new cookie
        browser_page.wait_for_selector(".picture")
