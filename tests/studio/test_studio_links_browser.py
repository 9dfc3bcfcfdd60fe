"""A link in a real browser: the token goes into a cookie, the page says what it is for, and what became of it."""

from __future__ import annotations

from fake_show import Running
from ganzfeld.studio.links import ROLES, Links
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
        browser_page.reload()
        browser_page.wait_for_selector(".picture[data-size='64x48']")
        links.renew()
        browser_page.wait_for_selector(".visitor:has-text('taken back')")
        browser_page.goto(studio.link("output", studio.url))
        assert browser_page.url == f"{studio.url}output"
        until(lambda: show.pages[""].viewers == 1, seconds=20)
    assert show.commands == [] and show.done == []


def test_the_player_sees_links_with_codes_that_are_images(browser_page, show, tmp_path):
    links = Links(tmp_path / "links.json")
    with StudioServer(show, port=0, links=links) as studio:
        browser_page.goto(studio.link("play", studio.url))
        browser_page.wait_for_selector(".picture")
        assert browser_page.locator(".visitor").count() == 0  # whoever sits at the machine needs no such word
        said = browser_page.evaluate("async () => (await fetch('/api/links')).json()")
        assert [each["role"] for each in said["links"]] == list(ROLES)
        old = links.token("watch")
        status = browser_page.evaluate("async () => (await fetch('/api/links', {method: 'POST'})).status")
        assert status == 200 and links.token("watch") != old
        browser_page.reload()  # by the new cookie
        browser_page.wait_for_selector(".picture")
