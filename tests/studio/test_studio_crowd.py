"""Thirty viewers by link, one of whom never reads, and others who say too much: the show and its OSC go on."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import msgspec
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from fake_show import FakeShow, Running
from ganzfeld.signals.osc import OscReceiver
from ganzfeld.signals.osc_packets import encode
from ganzfeld.studio import limits
from ganzfeld.studio.allowance import Allowance, Budget
from ganzfeld.studio.bandwidth import SharedBandwidth
from ganzfeld.studio.links import Links
from ganzfeld.studio.server import StudioServer
from ganzfeld.studio.viewers import HEIGHTS, LINKED_WISH, Wish, linked_wish_of
from ganzfeld.values.outside import Outside
from studio_client import RawViewer, port_of
from waiting import until

SECONDS = 20.0


@pytest.fixture
def links(tmp_path) -> Links:
    return Links(tmp_path / "links.json")


@pytest.fixture
def shared(show: FakeShow, links: Links) -> Iterator[StudioServer]:
    with StudioServer(show, port=0, links=links) as server:
        yield server


def bearer(links: Links, role) -> dict[str, str]:
    return {"Authorization": f"Bearer {links.token(role)}", "Forwarded": "for=192.168.1.7"}


def joined(server: StudioServer, links: Links, role="watch", query: str = "", **options) -> ClientConnection:
    address = f"{server.url.replace('http', 'ws')}live{query}"
    return connect(
        address, additional_headers=bearer(links, role), compression=None, proxy=None, open_timeout=SECONDS, **options
    )


class Watching(threading.Thread):
    """A page that draws all it is sent."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.heard: Counter[str] = Counter()
        self.heights: set[int] = set()
        self.start()

    def run(self) -> None:
        try:
            while True:
                message = msgspec.msgpack.decode(self.connection.recv())
                if message["kind"] == "frame":
                    self.heights.add(message["height"])
                    self.connection.send(msgspec.msgpack.encode({"kind": "ack", "number": message["number"]}))
                self.heard[message["kind"]] += 1
        except ConnectionClosed:
            pass


def never_reads(server: StudioServer, links: Links) -> socket.socket:
    """A viewer that takes nothing from its socket."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(SECONDS)
    raw.connect(("127.0.0.1", port_of(server)))
    lines = [
        "GET /live HTTP/1.1",
        f"Host: 127.0.0.1:{port_of(server)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in bearer(links, "watch").items()),
    ]
    raw.sendall("\r\n".join([*lines, "", ""]).encode())
    return raw


def _masked(message: bytes) -> bytes:
    return bytes([0x82, 0x80 | len(message), 0, 0, 0, 0]) + message


ACKNOWLEDGES_ALL = _masked(msgspec.msgpack.encode({"kind": "ack", "number": 10**9}))


class Noise(Running):
    """Pictures that no JPEG makes small."""

    def __init__(self, show: FakeShow, fps: float, height: int = 360, width: int = 640) -> None:
        super().__init__(show, fps)
        self._size = height, width, 4

    def _run(self) -> None:
        random = np.random.default_rng(1)
        pictures = [random.integers(0, 256, self._size, np.uint8) for _ in range(4)]
        number = 0
        while not self._stop.wait(self._pause):
            self._show.push(pictures[number % 4])
            number += 1


def test_thirty_watch_one_never_reads_and_osc_goes_on(show, links, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_SEND", 0.5)
    monkeypatch.setattr(limits, "LINKED_BYTES_A_SECOND", 100_000_000)  # what it does not take fills buffers soon
    mailbox = Outside()
    with ExitStack() as stack:
        shared = stack.enter_context(StudioServer(show, port=0, links=links))
        osc = stack.enter_context(OscReceiver(mailbox, port=0))
        sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        stack.enter_context(Noise(show, fps=30, height=180, width=320))
        silent = stack.enter_context(never_reads(shared, links))
        watching = [Watching(stack.enter_context(joined(shared, links))) for _ in range(29)]
        for each in watching:
            until(lambda each=each: each.heard["frame"] >= 3, "a viewer was starved", seconds=SECONDS)
            heard = osc.received
            sender.sendto(encode("/push", 0.5), ("127.0.0.1", osc.port))
            until(lambda heard=heard: osc.received > heard, "OSC stood still", seconds=SECONDS)
        until(lambda: is_over(silent), "the one that never reads was not hung up on", seconds=SECONDS)
        before = show.latest(-1).number
        assert show.wait(before, SECONDS) is not None
        known = [each.heard["frame"] for each in watching]
        for each, frames in zip(watching, known):
            until(lambda each=each, frames=frames: each.heard["frame"] > frames, seconds=SECONDS)
        assert osc.received == 29 and mailbox.values()["/push"] == 0.5


def is_over(raw: socket.socket) -> bool:
    """Whether the other side has hung up on one that goes on to say that it drew everything."""
    threading.Event().wait(0.02)  # as often as a page says it
    try:
        raw.sendall(ACKNOWLEDGES_ALL)
    except ConnectionError:
        return True
    return False


def test_viewers_by_link_get_their_own_size_and_no_more_than_a_few_pictures(show, shared, links):
    with ExitStack() as stack:
        stack.enter_context(Noise(show, fps=120, height=1300, width=40))
        small, large, plain, player = (
            Watching(stack.enter_context(joined(shared, links, role, query)))
            for role, query in (
                ("watch", "?screen=200"),
                ("watch", "?height=4000&fps=60"),
                ("watch", ""),
                ("play", "?screen=300"),
            )
        )
        for each in (small, large, plain, player):
            until(lambda each=each: each.heard["frame"] >= 2, seconds=SECONDS)
        assert [each.heights for each in (small, large, plain, player)] == [{240}, {1080}, {720}, {360}]


def test_who_comes_by_link_has_few_choices():
    heights = (*HEIGHTS, 10, 9999, "inf")
    wishes = {linked_wish_of({"height": str(height), "fps": str(fps)}) for height in heights for fps in (1, 15, 99)}
    assert max(wish.height or 9999 for wish in wishes) == 1080 and max(wish.fps or 99 for wish in wishes) == 15
    assert linked_wish_of({}) == LINKED_WISH == linked_wish_of({"height": "x", "fps": "-1", "screen": "nan"})
    assert linked_wish_of({"name": "wall"}, is_page=True, fps=None) == Wish("wall")


def test_a_visitor_who_wants_many_different_things_takes_none_from_others(show, shared, links):
    with ExitStack() as stack:
        stack.enter_context(Running(show))
        address = f"{shared.url.replace('http', 'ws')}output/live"
        for number in range(30):
            stack.enter_context(
                connect(
                    f"{address}?name={number}", additional_headers=bearer(links, "watch"), compression=None, proxy=None
                )
            )
        viewer = RawViewer(stack.enter_context(joined(shared, links)))
        assert viewer.hear("frame")
        here = connect(
            f"{address}?height=480", additional_headers={"Authorization": f"Bearer {links.token('play')}"}, proxy=None
        )
        assert RawViewer(stack.enter_context(here)).hear("frame")


# Shares


class Room:
    def __init__(self, has_room: bool) -> None:
        self.has_room = has_room


def test_everybody_has_the_same_share_and_who_takes_nothing_has_none():
    shared = SharedBandwidth(1000.0)
    for has_room in (True, True, False):
        shared.join(Room(has_room))
    assert shared.seconds_for(500) == 1.0  # two share
    stalled = SharedBandwidth(1000.0)
    stalled.join(Room(False))
    assert stalled.seconds_for(500) == 0.5


def test_together_they_never_get_more_than_there_is(show, links, monkeypatch):
    monkeypatch.setattr(limits, "LINKED_BYTES_A_SECOND", 100_000)
    waits: list[float] = []
    share = SharedBandwidth.seconds_for

    def counted(self: SharedBandwidth, size: int) -> float:
        waits.append(share(self, size))
        return waits[-1]

    monkeypatch.setattr(SharedBandwidth, "seconds_for", counted)
    with StudioServer(show, port=0, links=links) as server, ExitStack() as stack:
        stack.enter_context(Noise(show, fps=60))
        watching = [Watching(stack.enter_context(joined(server, links))) for _ in range(3)]
        for each in watching:
            until(lambda each=each: each.heard["frame"] >= 1, seconds=SECONDS)
        assert max(waits) > 2  # a picture of about 200 kB, and three who share: each waits for seconds


# Who says too much


def test_an_allowance_lets_a_burst_through_and_then_so_many_a_second():
    now = 0.0
    allowance = Allowance(lambda: now)
    assert all(allowance.wait(10) == 0 for _ in range(int(limits.MESSAGES_AT_ONCE)))
    assert allowance.wait(10) == pytest.approx(1 / limits.MESSAGES_A_SECOND)
    now = 1000.0
    assert allowance.wait(10) == 0
    assert allowance.wait(int(limits.BYTES_AT_ONCE + limits.BYTES_A_SECOND)) == pytest.approx(1, rel=0.01)


def test_a_budget_is_filled_again():
    now = 0.0
    budget = Budget(10.0, 100.0, lambda: now)
    budget.spend(150)
    assert budget.is_spent
    now = 4.9
    assert budget.is_spent
    now = 5.2
    assert not budget.is_spent
    now = 1000.0
    assert not budget.is_spent
    budget.spend(100)
    assert budget.is_spent


def test_stills_by_link_are_few_and_those_of_the_player_as_many_as_wanted(show, links, monkeypatch):
    monkeypatch.setattr(limits, "ANSWERED_BYTES_AT_ONCE", 3.5 * limits.STILL_COSTS)
    monkeypatch.setattr(limits, "ANSWERED_BYTES_A_SECOND", 1.0)
    show.push(np.zeros((8, 8, 4), np.uint8))
    with (
        StudioServer(show, port=0, links=links) as server,
        httpx.Client(base_url=server.url, timeout=SECONDS, trust_env=False) as client,
    ):
        found = [client.get("/frame.png", headers=bearer(links, "watch")).status_code for _ in range(6)]
        assert found == [200, 200, 200, 200, 429, 429]
        assert client.get("/api/status", headers=bearer(links, "play")).status_code == 429  # by link as well
        here = {"Authorization": f"Bearer {links.token('play')}"}
        assert [client.get("/frame.png", headers=here).status_code for _ in range(6)] == [200] * 6


def test_who_floods_is_heard_slowly_and_nobody_else_waits(show, shared, links, monkeypatch):
    monkeypatch.setattr(limits, "MESSAGES_AT_ONCE", 20.0)
    monkeypatch.setattr(limits, "MESSAGES_A_SECOND", 5.0)
    monkeypatch.setattr(limits, "MOST_WAITED", 1.0)
    with joined(shared, links, "play", close_timeout=0.2) as flooding, joined(shared, links, "play") as other:
        message = msgspec.msgpack.encode({"kind": "release", "address": "/flood"})
        thread = threading.Thread(target=_flood, args=(flooding, message), daemon=True)
        thread.start()
        until(lambda: len(show.done) >= 20, seconds=SECONDS)
        RawViewer(other).say(kind="release", address="/other")
        until(lambda: ("release", "/other") in show.done, seconds=SECONDS)
        # Who never stops is hung up on.
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                flooding.recv(timeout=SECONDS)
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 1008
        assert len(show.done) < 100
    thread.join(SECONDS)
    assert not thread.is_alive()


def _flood(connection: ClientConnection, message: bytes) -> None:
    with suppress(ConnectionClosed):
        for _ in range(20_000):
            connection.send(message)


@pytest.mark.parametrize("kind", ["pings", "pieces"])
def test_what_never_becomes_a_message_costs_nothing(show, shared, links, kind, monkeypatch):
    monkeypatch.setattr(limits, "MOST_UNSENT", 20_000)
    with never_reads(shared, links) as raw:
        ping = bytes([0x89, 0x80 | 100, 0, 0, 0, 0]) + bytes(100)
        piece = bytes([0x00, 0x80, 0, 0, 0, 0])
        if kind == "pieces":
            raw.sendall(bytes([0x02, 0x80, 0, 0, 0, 0]))
        until_when = time.monotonic() + SECONDS
        with pytest.raises(ConnectionError):
            while time.monotonic() < until_when:  # the system takes some megabytes before anybody reads them
                raw.sendall((ping if kind == "pings" else piece) * 100)


def test_an_answer_that_nobody_takes_is_given_up(show, links, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_SEND", 0.3)
    show.push(np.random.default_rng(1).integers(0, 256, (900, 900, 4), np.uint8))
    with StudioServer(show, port=0, links=links) as server, socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(SECONDS)
        raw.connect(("127.0.0.1", port_of(server)))
        words = f"Host: 127.0.0.1:{port_of(server)}\r\nAuthorization: Bearer {links.token('watch')}"
        raw.sendall(f"GET /frame.png HTTP/1.1\r\n{words}\r\n\r\n".encode())
        until(lambda: ended(raw), "the connection stays open", seconds=SECONDS)


def ended(raw: socket.socket) -> bool:
    try:
        raw.sendall(b" ")
    except ConnectionError:
        return True
    return False
