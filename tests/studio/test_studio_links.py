"""Links: who gets in with which, what each role may do, and that a link taken back ends what it opened."""

from __future__ import annotations

import json
import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from fake_show import FakeShow, Running, flat
from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import limits
from ganzfeld.studio.links import ROLES, Links
from ganzfeld.studio.server import Certificate, StudioServer
from ganzfeld.studio.sockets import TAKEN_BACK
from studio_client import RawViewer, port_of
from waiting import until

ELSEWHERE = {"X-Forwarded-For": "192.168.1.7"}
"""Makes a request of this machine look as if it came through a proxy."""


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path / "settings" / "links.json")


@pytest.fixture
def shared(show: FakeShow, links: Links) -> Iterator[StudioServer]:
    with StudioServer(show, port=0, links=links) as server:
        yield server


@pytest.fixture
def visit(shared: StudioServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared.url, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def come(shared: StudioServer, links: Links) -> Callable[..., Any]:
    """`with come("watch") as viewer:` joins by a link, from elsewhere."""

    @contextmanager
    def join(role: Any, path: str = "live", *, token: str | None = None, **headers: str) -> Iterator[RawViewer]:
        said = {"Cookie": f"ganzfeld-{port_of(shared)}={links.token(role) if token is None else token}"}
        address = shared.url.replace("http", "ws") + path
        with connect(
            address, additional_headers={**said, **ELSEWHERE, **headers}, compression=None, proxy=None
        ) as connection:
            yield RawViewer(connection)

    return join


def bearer(links: Links, role: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {links.token(role)}"}


# Tokens


def test_tokens_outlive_a_restart_and_are_for_their_owner_alone(tmp_path):
    file = tmp_path / "settings" / "links.json"
    first = Links(file)
    tokens = [first.token(role) for role in ROLES]
    assert len(set(tokens)) == 3 and min(map(len, tokens)) >= 22
    assert [Links(file).token(role) for role in ROLES] == tokens
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"play": "", "watch": "", "output": ""}', "\xff", "9" * 10_000])
def test_a_file_that_makes_no_sense_opens_nothing(tmp_path, text):
    file = tmp_path / "links.json"
    file.write_text(text, "latin-1")
    links = Links(file)
    assert links.role_of("") is None
    assert all(links.role_of(links.token(role)) == role for role in ROLES)
    assert json.loads(file.read_text())["watch"] == links.token("watch")


def test_only_whole_tokens_open_something(links):
    token = links.token("watch")
    for wrong in ("", token[:-1], token + "x", token.upper(), "\udcff" + token, "ü" * 22, token * 1000):
        assert links.role_of(wrong) is None


def test_another_program_takes_them_back(tmp_path):
    file = tmp_path / "links.json"
    mine, other = Links(file), Links(file)
    old = mine.token("play")
    assert not mine.look()
    other.renew()
    assert mine.look() and mine.role_of(old) is None and mine.token("play") == other.token("play")
    file.write_text("nonsense")
    assert not mine.look() and mine.role_of(other.token("play")) == "play"


# Getting in


def test_without_a_link_nothing_opens(visit, shared):
    for path in ("/", "/frame.jpg", "/api/status", "/api/patch", "/api/links", "/assets/x.js", "/output", "/nowhere"):
        answer = visit.get(path)
        assert answer.status_code == 401 and "link" in answer.text, path
    for path in ("live", "output/live"):
        with pytest.raises(InvalidStatus) as refused:
            connect(shared.url.replace("http", "ws") + path, proxy=None)
        assert refused.value.response.status_code == 403
    # A monitor on this machine sees whether the show is well; others do not.
    assert visit.get("/health").status_code == 200
    assert visit.get("/health", headers=ELSEWHERE).status_code == 401


def test_a_wrong_token_opens_nothing(visit, shared, links, come):
    wrong = "A" * 22
    for headers in ({"Authorization": f"Bearer {wrong}"}, {"Cookie": f"ganzfeld-{port_of(shared)}={wrong}"}):
        assert visit.get("/api/status", headers=headers).status_code == 401
    assert visit.get("/", params={"token": wrong}).status_code == 401
    assert "set-cookie" not in visit.get("/", params={"token": wrong}).headers
    # The one in the address is what somebody just clicked: it counts, not the cookie.
    assert visit.get("/api/status", params={"token": wrong}, headers=bearer(links, "play")).status_code == 401
    with pytest.raises(InvalidStatus), come("watch", token=wrong):
        pass


def test_the_token_leaves_the_address_bar_for_a_cookie(visit, shared, links):
    answer = visit.get("/output", params={"name": "wall & co", "token": links.token("watch"), "fps": 30})
    assert answer.status_code == 303 and answer.headers["location"] == "/output?name=wall+%26+co&fps=30"
    assert links.token("watch") not in answer.headers["location"]
    (cookie,) = answer.headers.get_list("set-cookie")
    words = [word.strip().lower() for word in cookie.split(";")]
    assert "httponly" in words and "samesite=lax" in words and "path=/" in words and "secure" not in words
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    assert visit.get("/api/status").status_code == 200  # the client keeps the cookie


@pytest.mark.parametrize("path", ["//evil.example/", "/%5Cevil.example", "/%0d%0aX-Evil:1", "///evil.example"])
def test_a_link_leads_nowhere_else(shared, links, path):
    with socket.create_connection(("127.0.0.1", port_of(shared)), timeout=10) as raw:
        host = f"127.0.0.1:{port_of(shared)}"
        raw.sendall(f"GET {path}?token={links.token('play')} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = raw.recv(4096).decode().lower()
    assert "x-evil:1\r" not in answer
    for line in answer.splitlines():
        if line.startswith("location:"):
            assert line.split(":", 1)[1].strip().startswith("/") and not line.split()[1].startswith("//")


def test_host_and_origin_are_asked_for_besides(visit, shared, links, come):
    token = bearer(links, "play")
    assert visit.get("/api/status", headers={**token, "Host": "evil.example"}).status_code == 403
    assert visit.get("/api/status", headers={**token, "Origin": "http://evil.example"}).status_code == 403
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{port_of(shared) + 1}"):
        with pytest.raises(InvalidStatus), come("play", Origin=origin):
            pass
    with come("play", Origin=shared.url.rstrip("/")) as viewer:
        assert viewer.hear("you")["role"] == "play"


# Roles


def test_everybody_is_told_what_they_are(come, view, show):
    with come("watch") as viewer:
        you = viewer.hear("you")
        assert (you["role"], you["is_here"], you["is_secure"]) == ("watch", False, False)
        with come("play") as other:
            assert other.hear("you")["client"] != you["client"]
    with view() as here:  # a show without links
        you = here.hear("you")
        assert (you["role"], you["is_here"], you["is_secure"]) == ("play", True, True)


COMMANDS: list[dict[str, Any]] = [
    {"kind": "command", "name": "pause"},
    {"kind": "command", "name": "keep"},
    {"kind": "turn", "address": "/push", "value": 1.0},
    {"kind": "snapshot", "do": "store", "arguments": ["a"]},
    {"kind": "master", "what": "black", "value": 1.0},
    {"kind": "door", "do": "open", "door": "film:x.mp4"},
    {"kind": "look", "views": [{"id": 0, "of": "node", "node": "face"}]},
    {"kind": "preview", "request": 1, "variants": [{}]},
    {"kind": "take_roll", "line": "x"},
]


@pytest.mark.parametrize("message", COMMANDS, ids=lambda message: message["kind"])
def test_who_watches_commands_nothing(show, come, message):
    show.push(flat(9))
    with come("watch") as viewer:
        assert viewer.hear("frame")
        viewer.say(**message)
        assert "watch" in viewer.hear("notice")["what"]
        viewer.say(kind="ack", number=0)
        assert viewer.hear("status")
    assert show.commands == [] and show.done == [] and show.looked_at == []


def test_an_output_takes_acknowledgements_only(show, come, visit, links):
    show.push(flat(9))
    with come("output", "output/live") as viewer:
        number = viewer.hear("frame")["number"]
        viewer.say(kind="ack", number=number)
        viewer.say(kind="command", name="pause")
        with pytest.raises(ConnectionClosed):
            while True:
                viewer.connection.recv(timeout=10)
    assert show.commands == []
    with pytest.raises(InvalidStatus), come("output", "live"):
        pass
    for path in ("/", "/api/status", "/api/patch", "/frame.png", "/api/links", "/patch.ganz"):
        assert visit.get(path, headers=bearer(links, "output")).status_code == 403, path
    assert visit.get("/output", headers=bearer(links, "output")).status_code in (200, 503)


def test_what_nobody_listed_is_for_who_plays(visit, links):
    for path in ("/api/links", "/api/doctor", "/api/patches", "/nowhere", "/assets"):
        assert visit.get(path, headers=bearer(links, "watch")).status_code == 403, path
    assert visit.get("/nowhere", headers=bearer(links, "play")).status_code == 404
    for path in ("/api/status", "/api/patch"):
        assert visit.get(path, headers=bearer(links, "watch")).status_code == 200, path


def test_who_plays_by_link_plays_and_saves_but_trusts_nothing(show, come, links, visit):
    show.now.pending_trust = ["/x/swarm.py"]
    before = links.token("watch")
    with come("play") as viewer:
        for name in ("pause", "keep"):
            viewer.say(kind="command", name=name)
        until(lambda: [name for name, _ in show.commands] == ["pause", "keep"])
        for message in (
            {"kind": "command", "name": "trust", "path": "/x/swarm.py"},
            {"kind": "door", "do": "open", "door": "film:x.mp4"},
        ):
            viewer.say(**message)
            assert "on the machine that plays it" in viewer.hear("notice")["what"]
    assert len(show.commands) == 2 and show.done == []
    assert visit.post("/api/links", headers={**bearer(links, "play"), **ELSEWHERE}).status_code == 403
    assert visit.post("/api/links", headers=bearer(links, "watch")).status_code == 403
    assert links.token("watch") == before


# Taking links back


def test_a_link_taken_back_ends_what_it_opened(show, come, shared, links, visit):
    with come("watch") as viewer, come("play") as player, come("output", "output/live") as output:
        viewer.hear("you")
        player.hear("you")
        Links(links._file).renew()  # as `ganzfeld links --new` does, in another process
        for each in (viewer, player, output):
            with pytest.raises(ConnectionClosed) as ended:
                while True:
                    each.connection.recv(timeout=10)
            assert ended.value.rcvd is not None and ended.value.rcvd.code == TAKEN_BACK
    with come("watch") as again:
        assert again.hear("you")


def test_who_is_here_takes_them_back_from_the_page(shared, links, visit):
    old = {role: links.token(role) for role in ROLES}
    address = shared.url.replace("http", "ws") + "live"
    with connect(address, additional_headers=bearer(links, "play"), proxy=None) as connection:
        viewer = RawViewer(connection)
        assert viewer.hear("you")["is_here"]
        origin = {"Origin": "http://evil.example"}
        assert visit.post("/api/links", headers={**bearer(links, "play"), **origin}).status_code == 403
        said = visit.post("/api/links", headers=bearer(links, "play"))
        assert links.token("play") != old["play"] and links.token("watch") in said.text
        assert visit.get("/api/links").status_code == 200  # by the new cookie
        assert viewer.hear("status")  # who did it is not shown out
    visit.cookies.clear()
    for token in old.values():
        assert visit.get("/api/status", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_the_page_of_who_plays_has_the_links_with_codes(visit, shared, links):
    said = visit.get("/api/links", headers=bearer(links, "play")).json()
    assert [link["role"] for link in said["links"]] == list(ROLES) and not said["is_secure"]
    for link in said["links"]:
        assert links.token(link["role"]) in link["url"]
        assert link["qr"].startswith("<svg") and "script" not in link["qr"]


# Encrypted


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    made = Certificate(folder / "it.pem", folder / "key.pem")
    words = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    try:
        subprocess.run(
            ["openssl", *words, "-out", made.certificate, "-keyout", made.key],
            check=True,
            capture_output=True,
            timeout=60,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl")
    return made


def test_with_a_certificate_all_of_it_is_encrypted(show, links, certificate):
    context = ssl.create_default_context(cafile=certificate.certificate)
    with StudioServer(show, port=0, links=links, certificate=certificate) as server, Running(show):
        assert server.url.startswith("https://") and server.link("watch").startswith("https://")
        with httpx.Client(base_url=server.url, verify=context, timeout=10, trust_env=False) as client:
            answer = client.get("/", params={"token": links.token("watch")})
            assert answer.status_code == 303 and "secure" in answer.headers["set-cookie"].lower()
            assert client.get("/api/status").status_code == 200
            origin = server.url.rstrip("/")
            assert client.get("/api/status", headers={"Origin": origin}).status_code == 200
            assert client.get("/api/status", headers={"Origin": origin.replace("https", "http")}).status_code == 403
        headers = {**bearer(links, "watch"), **ELSEWHERE}
        address = server.url.replace("https", "wss") + "live"
        with connect(address, ssl=context, additional_headers=headers, proxy=None) as connection:
            viewer = RawViewer(connection)
            assert viewer.hear("you")["is_secure"] and viewer.hear("frame")
        # Who speaks without it gets nothing, and costs nothing.
        with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            with suppress(ConnectionError):
                assert not plain.recv(100).startswith(b"HTTP")
        with httpx.Client(base_url=server.url, verify=context, timeout=10, trust_env=False) as client:
            assert client.get("/health").status_code == 200


def test_a_request_may_come_with_the_last_words_of_the_handshake(show, certificate):
    context = ssl.create_default_context(cafile=certificate.certificate)
    with (
        StudioServer(show, port=0, certificate=certificate) as server,
        socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as raw,
    ):
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(heard, said, server_hostname="127.0.0.1")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(said.read())
                heard.write(raw.recv(1 << 16))
        host = f"127.0.0.1:{port_of(server)}"
        tls.write(f"GET /api/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        raw.sendall(said.read())  # all of it at once
        answer = b""
        while b"200 OK" not in answer:
            heard.write(data := raw.recv(1 << 16))
            assert data, "hung up on"
            with suppress(ssl.SSLWantReadError):
                answer += tls.read(1 << 16)


def test_a_handshake_that_never_ends_is_hung_up_on(show, links, certificate, monkeypatch):
    monkeypatch.setattr("ganzfeld.studio.connections.SILENT_SECONDS", 0.2)
    with (
        StudioServer(show, port=0, links=links, certificate=certificate) as server,
        socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as silent,
    ):
        silent.sendall(b"\x16\x03\x01")
        with suppress(ConnectionError):
            assert silent.recv(100) == b""


def test_a_certificate_that_is_none_is_one_clear_error(show, certificate, tmp_path):
    (tmp_path / "no.pem").write_text("nothing")
    for pair in (
        Certificate(tmp_path / "no.pem", certificate.key),
        Certificate(certificate.certificate, tmp_path / "missing.pem"),
        Certificate(certificate.key, certificate.certificate),
    ):
        with pytest.raises(GanzfeldError, match="cannot be used"):
            StudioServer(show, port=0, certificate=pair)


# Addresses


def test_this_machine_is_known_by_its_addresses_only_with_links(show, links):
    with StudioServer(show, host="0.0.0.0", port=0, links=links, allowed_hosts=["stage.example"]) as server:
        port = port_of(server)
        assert server.link("watch").startswith(f"http://stage.example:{port}/?token=")
        with httpx.Client(timeout=10, trust_env=False, headers=bearer(links, "watch")) as client:
            for host, status in (
                (f"stage.example:{port}", 200),
                (f"127.0.0.1:{port}", 200),
                (f"192.0.2.77:{port}", 403),
                ("evil.example", 403),
            ):
                answer = client.get(f"http://127.0.0.1:{port}/api/status", headers={"Host": host})
                assert answer.status_code == status, host


def test_too_many_visitors_are_asked_to_come_later(come, monkeypatch):
    monkeypatch.setattr(limits, "MOST_LINKED", 2)
    with come("watch") as first, come("watch") as second:
        first.hear("you")
        second.hear("you")
        with come("watch") as third, pytest.raises(ConnectionClosed) as ended:
            while True:
                third.connection.recv(timeout=10)
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 1013
