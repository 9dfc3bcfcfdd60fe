"""Talks to a studio over its loopback port, byte for byte as asked: no proxy, no browser."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from websockets.sync.client import ClientConnection

from ganzfeld.studio.server import StudioServer


def eventually(holds: Callable[[], object], within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def port_of(studio: StudioServer) -> int:
    return int(studio.url.rsplit(":", 1)[1].strip("/"))


def ask(studio: StudioServer, path: str, *headers: tuple[str, str]) -> Answer:
    """GETs `path` with these headers and no others; PORT in a value stands for the studio's."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(studio), timeout=5)
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value.replace("PORT", str(port_of(studio))))
    connection.endheaders()
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def get(studio: StudioServer, path: str) -> Answer:
    return ask(studio, path, ("Host", "127.0.0.1:PORT"))


class RawViewer:
    """A page that acknowledges only what a test wants it to."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, **message: Any) -> None:
        self.connection.send(msgspec.msgpack.encode(message))

    def hear(self, kind: str, timeout: float = 5) -> dict[str, Any]:
        """The next message of this kind; raises TimeoutError when the studio has none for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(kind)
            message = msgspec.msgpack.decode(self.connection.recv(timeout=left))
            if message["kind"] == kind:
                return message

    def hears_no(self, kind: str, within: float = 0.4) -> bool:
        try:
            self.hear(kind, within)
        except TimeoutError:
            return True
        return False
