"""Programs that open connections and say nothing, or too much: the page answers on, and memory and descriptors stay."""

from __future__ import annotations

import base64
import contextlib
import http.client
import logging
import multiprocessing
import os
import socket
import threading
import urllib.request
from collections.abc import Iterator

import msgspec
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fake_show import FakeShow
from ganzfeld.process.descriptors import make_room
from ganzfeld.studio import connections
from ganzfeld.studio.connections import MOST_SILENT, SayOnce
from ganzfeld.studio.server import StudioServer
from ganzfeld.values import message_pipe
from ganzfeld.values.message_pipe import MessagePipe
from waiting import until


@pytest.fixture
def server() -> Iterator[StudioServer]:
    with StudioServer(FakeShow(), port=0) as server:
        yield server


def connected(server: StudioServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=10)


def port_of(server: StudioServer) -> int:
    return int(server.url.rstrip("/").rpartition(":")[2])


def answers(server: StudioServer) -> bool:
    with urllib.request.urlopen(f"{server.url}api/status", timeout=20) as answer:
        return answer.status == 200


def test_silent_connections_make_room(server):
    before = psutil.Process().num_fds()
    silent = [connected(server) for _ in range(300)]
    try:
        assert answers(server)
        mine = len(silent)
        until(lambda: psutil.Process().num_fds() - before - mine <= MOST_SILENT + 5)
    finally:
        for each in silent:
            each.close()


def test_a_silent_connection_has_little_time(monkeypatch):
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.1)
    with StudioServer(FakeShow(), port=0) as server, connected(server) as silent:
        silent.sendall(b"GET / HT")
        with contextlib.suppress(ConnectionResetError):
            assert silent.recv(1) == b""


def test_who_has_spoken_stays(server, monkeypatch):
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.1)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=20)) as connection:
        connection.connect()
        kept = connection.sock
        for _ in range(3):
            connection.request("GET", "/api/status")
            answer = connection.getresponse()
            assert answer.read() and answer.status == 200
            threading.Event().wait(0.15)
        assert connection.sock is kept


HUGE = 100_000_000


def websocket(server: StudioServer) -> socket.socket:
    each = connected(server)
    key = base64.b64encode(os.urandom(16)).decode()
    each.sendall(
        f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port_of(server)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in each.recv(4096)
    return each


def poured(into: socket.socket) -> None:
    """100 MB, or as many as the other side takes."""
    chunk = bytes(1 << 16)
    with contextlib.suppress(OSError):
        for _ in range(HUGE // len(chunk)):
            into.sendall(chunk)


@pytest.mark.parametrize("kind", ["message", "body", "header", "address"])
def test_a_hundred_megabytes_leave_nothing_behind(server, kind):
    assert answers(server)
    before = psutil.Process().memory_info().rss
    each = websocket(server) if kind == "message" else connected(server)
    with each:
        host = f"Host: 127.0.0.1:{port_of(server)}\r\n"
        match kind:
            case "message":
                each.sendall(b"\x82\xff" + HUGE.to_bytes(8, "big") + bytes(4))
            case "body":
                each.sendall(f"POST / HTTP/1.1\r\n{host}Content-Length: {HUGE}\r\n\r\n".encode())
            case "header":
                each.sendall(f"GET / HTTP/1.1\r\n{host}X: ".encode())
            case "address":
                each.sendall(b"GET /")
        poured(each)
    assert answers(server)
    assert psutil.Process().memory_info().rss - before < 20 << 20


@pytest.mark.parametrize("path", ["live", "output/live"])
def test_whoever_says_what_makes_no_sense_is_told_so_and_no_more(server, caplog, path):
    """Also in letters that have many bytes; and pictures that were on their way are no error."""
    for said in ({"kind": "ä" * 300}, {"kind": "\U0001f600" * 300}, {"kind": "nothing"}, "", b"\xff"):
        with connect(f"{server.url.replace('http', 'ws')}{path}", origin=server.url.rstrip("/"), proxy=None) as client:
            client.send(said if isinstance(said, str | bytes) else msgspec.msgpack.encode(said))
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    client.recv(timeout=20)
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    assert answers(server)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def test_a_message_that_is_too_large_is_not_sent(monkeypatch, caplog):
    monkeypatch.setattr(message_pipe, "LARGEST_BYTES", 1000)
    mine, theirs = multiprocessing.Pipe()
    heard: list = []
    ended = threading.Event()
    decode = msgspec.msgpack.Decoder(list[bytes]).decode
    other = MessagePipe(theirs, decode, heard.append, ended.set).start()
    pipe = MessagePipe(mine, decode, heard.append, ended.set).start()
    with caplog.at_level(logging.WARNING):
        for message in (b"before", bytes(5000), bytes(6000), b"after"):
            pipe.post(message)
        until(lambda: b"after" in heard)
    assert heard == [b"before", b"after"]
    assert caplog.text.count("is not sent") == 1
    # Whoever sends one all the same is hung up on, before it is read.
    mine.send_bytes(bytes(5000))
    assert ended.wait(30)
    pipe.finish()
    other.finish()


def test_a_library_says_the_same_once(caplog):
    log = logging.getLogger("a library")
    once = SayOnce()
    log.addFilter(once)
    try:
        for _ in range(250):
            log.error("no descriptors left")
    finally:
        log.removeFilter(once)
    assert [record.getMessage() for record in caplog.records] == [
        "no descriptors left",
        "no descriptors left (100 times)",
        "no descriptors left (200 times)",
    ]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_show_asks_for_descriptors_and_connections_have_their_share():
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        assert connections.most_connections() == 256 // connections.SHARE_OF_DESCRIPTORS
        make_room()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
