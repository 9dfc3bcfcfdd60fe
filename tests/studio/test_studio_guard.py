"""Who the studio talks to: real requests over a loopback socket."""

from __future__ import annotations

import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fake_show import FakeShow, flat
from ganzfeld.studio.guard import addresses
from ganzfeld.studio.server import StudioServer
from studio_client import ask, port_of


def test_answers_to_its_own_addresses(studio):
    for host in ("127.0.0.1:PORT", "localhost:PORT", "[::1]:PORT", "LOCALHOST:PORT"):
        assert ask(studio, "/api/status", ("Host", host)).status == 200
        assert ask(studio, "/api/status", ("Host", host), ("Origin", f"http://{host}")).status == 200


PATHS = ("/", "/frame.jpg", "/api/status", "/api/patch", "/assets/x.js", "/nowhere")


def test_refuses_other_names_for_itself(studio):
    # A page that points its own name at 127.0.0.1 reaches the port, but its browser says the page's name.
    for host in (
        "evil.example:PORT",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example:PORT",
        "127.0.0.1.:PORT",
        "",
    ):
        for path in PATHS:
            assert ask(studio, path, ("Host", host)).status == 403, (host, path)


def test_refuses_a_request_without_or_with_two_hosts(studio):
    assert ask(studio, "/").status in (400, 403)
    assert ask(studio, "/", ("Host", "127.0.0.1:PORT"), ("Host", "evil.example")).status in (400, 403)


OTHER_ORIGINS = (
    "http://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://localhost:PORT",  # ours, but not what this request names as its host
    "file://",
    "http://127.0.0.1:PORT.evil.example",
    "http://127.0.0.1:PORT@evil.example",
)


def test_refuses_other_origins(studio, view):
    for origin in OTHER_ORIGINS:
        assert ask(studio, "/api/status", ("Host", "127.0.0.1:PORT"), ("Origin", origin)).status == 403, origin
        with (
            pytest.raises(InvalidStatus) as refused,
            view(origin=origin.replace("PORT", str(port_of(studio)))),
        ):
            pass
        assert refused.value.response.status_code == 403


def test_what_another_page_embeds_is_refused_and_links_are_followed(studio):
    """An image of another site comes without an Origin; what it asks for would be work."""
    for site in ("cross-site", "same-site"):
        for path in PATHS:
            fetched = ("Host", "127.0.0.1:PORT"), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors")
            assert ask(studio, path, *fetched).status == 403, (site, path)
        followed = ("Host", "127.0.0.1:PORT"), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate")
        assert ask(studio, "/api/status", *followed).status == 200
    for site in ("same-origin", "none"):
        assert ask(studio, "/api/status", ("Host", "127.0.0.1:PORT"), ("Sec-Fetch-Site", site)).status == 200


def test_a_socket_of_its_own_page_or_of_a_program_is_let_in(studio, view):
    for origin in (studio.url.rstrip("/"), None):
        with view(origin=origin) as viewer:
            assert viewer.hear("status")["fps"] == 60


def test_a_socket_under_another_name_is_refused(studio):
    with socket.create_connection(("127.0.0.1", port_of(studio))) as raw, pytest.raises(InvalidStatus) as refused:
        connect(f"ws://evil.example:{port_of(studio)}/live", sock=raw, proxy=None)
    assert refused.value.response.status_code == 403


def test_allowed_hosts_are_answered():
    with StudioServer(FakeShow(), port=0, allowed_hosts=["Stage.local", "proxy.example:443"]) as studio:
        assert ask(studio, "/api/status", ("Host", "stage.local:PORT")).status == 200
        proxied = ("Host", "proxy.example:443"), ("Origin", "https://proxy.example:443")
        assert ask(studio, "/api/status", *proxied).status == 200
        assert ask(studio, "/api/status", ("Host", "stage.local")).status == 403


def test_addresses_leave_the_port_out_where_browsers_do():
    assert "localhost" in addresses(80)
    assert "localhost" not in addresses(8420)
    assert "[::1]:8420" in addresses(8420)
    assert addresses(1, ["a:2", "[fe80::1]"]) >= {"a:2", "[fe80::1]:1"}


def test_every_answer_has_the_security_headers(studio, show):
    show.push(flat(1))
    for path in (*PATHS, "/frame.png"):
        for host in ("127.0.0.1:PORT", "evil.example"):
            headers = ask(studio, path, ("Host", host)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in headers
            assert "server" not in headers
        policy = ask(studio, path, ("Host", "127.0.0.1:PORT")).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
