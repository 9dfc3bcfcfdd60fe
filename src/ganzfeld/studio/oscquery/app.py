"""What the OSCQuery server answers: JSON about addresses, and a WebSocket that tells values and changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ganzfeld.signals.osc import OscInput
from ganzfeld.signals.osc_packets import PacketError, encode
from ganzfeld.studio.oscquery.address_space import ATTRIBUTES, READ, AddressSpace, Change, plain

log = logging.getLogger(__name__)

MOST_LISTENED = 4096
"""Addresses that one client listens to."""
MOST_CHANGES = 256
"""Messages about changes that wait for one client; with more, it is told that everything changed."""
SENSELESS = 1008


class Asked:
    """Whether anybody asks: a request within the last seconds (HOST_INFO is none), or an open WebSocket."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.open = 0

    def now(self) -> None:
        """Somebody asked."""
        self.at = time.monotonic()

    def seconds_ago(self) -> float:
        """How long nobody has asked."""
        return 0.0 if self.open else time.monotonic() - self.at


class QueryState:
    """What clients are told of. space: the address space now. values: the newest, by address. host: HOST_INFO."""

    def __init__(self, host: Callable[[], dict[str, Any]], packets: OscInput) -> None:
        self.space = AddressSpace(())
        self.values: Mapping[str, Any] = {}
        self.host, self.packets = host, packets
        self.asked = Asked()
        self.clients: set[QueryClient] = set()

    def changed(self, space: AddressSpace, what: Change) -> None:
        """Another address space holds from now on. On the server's loop."""
        self.space = space
        for client in self.clients:
            client.changed(what)

    def told(self) -> None:
        """There are other values. On the server's loop."""
        for client in self.clients:
            client.news.set()


def create_app(state: QueryState) -> Starlette:
    """The ASGI application, without its guard.

    GET /face/psi          a method or container with all that it contains; 404 if there is none
    GET /face/psi?VALUE    one attribute; 204 if it has none here, 400 for what is no attribute
    GET /?HOST_INFO        where OSC is listened to
    WS                     {"COMMAND": "LISTEN", "DATA": "/face/psi"}, packets of OSC both ways
    """

    async def describe(request: Request) -> Response:
        query = request.url.query
        if query == "HOST_INFO":  # somebody looks whose show this is, and may want another
            return _json(state.host())
        state.asked.now()
        described = state.space.describe(request.url.path, state.values)
        if described is None:
            return PlainTextResponse("There is nothing at this address.\n", 404)
        if not query:
            return _json(described)
        if query not in ATTRIBUTES:
            return PlainTextResponse("There is no such attribute.\n", 400)
        if query == "VALUE" and not described["ACCESS"] & READ:
            return Response(status_code=204)
        return _json({query: described[query]} if query in described else {})

    async def live(socket: WebSocket) -> None:
        await QueryClient(state, socket).run()

    return Starlette(routes=[Route("/{path:path}", describe), WebSocketRoute("/{path:path}", live)])


class QueryClient:
    """One client's WebSocket. What it listens to is sent as it changes, the newest value alone if it is slow."""

    def __init__(self, state: QueryState, socket: WebSocket) -> None:
        self.news = asyncio.Event()
        self._state, self._socket = state, socket
        self._listened: dict[str, Any] = {}
        self._changes: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Until it is closed."""
        await self._socket.accept()
        self._state.clients.add(self)
        self._state.asked.open += 1
        speaking = asyncio.create_task(self._speak())
        try:
            with contextlib.suppress(WebSocketDisconnect):
                await self._listen()
        finally:
            self._state.clients.discard(self)
            self._state.asked.open -= 1
            self._state.asked.now()
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):  # closed by us
                await speaking

    def changed(self, what: Change) -> None:
        """Tell it that the address space changed."""
        self._changes += [{"COMMAND": "PATH_REMOVED", "DATA": address} for address in what.removed]
        self._changes += [{"COMMAND": "PATH_ADDED", "DATA": address} for address in what.added]
        self._changes.append({"COMMAND": "PATH_CHANGED", "DATA": what.within})
        if len(self._changes) > MOST_CHANGES:
            self._changes = [{"COMMAND": "PATH_CHANGED", "DATA": "/"}]
        for address in what.removed:
            self._listened.pop(address, None)
        self.news.set()

    async def _speak(self) -> None:
        while True:
            await self.news.wait()
            self.news.clear()
            changes, self._changes = self._changes, []
            for each in changes:
                await self._socket.send_text(json.dumps(each))
            for address, before in list(self._listened.items()):
                method = self._state.space.methods.get(address)
                value = None if method is None else plain(self._state.values.get(address), method.type)
                if value is not None and value != before:
                    self._listened[address] = value
                    with contextlib.suppress(PacketError):
                        await self._socket.send_bytes(encode(address, value))

    async def _listen(self) -> None:
        while True:
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            packet, text = event.get("bytes"), event.get("text")
            if packet is not None:
                self._feed(packet)
            elif not self._obey(text or ""):
                await self._socket.close(SENSELESS, "not a command of OSCQuery")
                return

    def _feed(self, packet: bytes) -> None:
        packets, loop = self._state.packets, asyncio.get_running_loop()
        packets.feed(packet, time.monotonic(), time.time())
        if (wait := packets.release(time.monotonic())) is not None:
            loop.call_later(wait, _release, packets, loop)

    def _obey(self, text: str) -> bool:
        try:
            said = json.loads(text)
            command, address = said["COMMAND"], said["DATA"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        if command == "LISTEN" and address in self._state.space.methods:
            if len(self._listened) < MOST_LISTENED:
                self._listened.setdefault(address, None)
                self.news.set()
        elif command == "IGNORE" and isinstance(address, str):
            self._listened.pop(address, None)
        return isinstance(command, str)


def _release(packets: OscInput, loop: asyncio.AbstractEventLoop) -> None:
    if (wait := packets.release(time.monotonic())) is not None:
        loop.call_later(max(wait, 1e-3), _release, packets, loop)


def _json(value: Any) -> Response:
    return JSONResponse(value, headers={"cache-control": "no-store"})
