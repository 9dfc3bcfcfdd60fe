"""What the studio's server answers: the page, the live WebSocket, and the same things for programs."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable

import msgspec
import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import page, picture
from ganzfeld.studio.desk_actions import obey
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.side_routes import side_routes
from ganzfeld.studio.thumbnails import Thumbnails
from ganzfeld.studio.viewers import Audience, Viewer, Wish, wish_of
from ganzfeld.studio.wire import (
    Acknowledgement,
    AtDesk,
    Beat,
    DoorAction,
    PageCommand,
    Refusal,
    decode_from_clean_page,
    decode_from_page,
    encode,
)

log = logging.getLogger(__name__)

SENSELESS = 1008
"""The WebSocket close code for a client whose message makes no sense."""
LATER = 1013
"""The one for a client that may try again later."""
BEAT_SECONDS = 1.0


def create_app(show: StudioShow, audience: Audience, thumbnails: Thumbnails) -> Starlette:
    """The ASGI application, without its guard.

    GET /            the page
    GET /frame.jpg   the newest frame; /frame.png the same, lossless, with alpha
    GET /api/status  fps, frame_ms, frame, t, errors, …
    GET /health      the age of the newest frame, …; 503 if it is too old
    GET /api/patch   name, text, version
    GET /output      a clean page: the picture and nothing else
    GET /api/…       what `side_routes` says
    WS  /live        frames and words (`wire.py`), paced by acknowledgement; ?height=640&fps=15 of the frames
    WS  /output/live frames alone; it obeys nothing
    """

    def status(request: Request) -> Response:
        return _json(show.status())

    def patch(request: Request) -> Response:
        return _json(show.patch_source())

    def health(request: Request) -> Response:
        found = show.health()
        answer = _json(found)
        answer.status_code = 200 if found.ok else 503
        return answer

    async def live(socket: WebSocket) -> None:
        await _Conversation(show, audience, socket).run(wish_of(socket.query_params))

    async def output_live(socket: WebSocket) -> None:
        await _CleanPage(show, audience, socket).run(wish_of(socket.query_params, is_page=True))

    routes: list[BaseRoute] = [
        Route("/", page.index),
        Route("/frame.jpg", _still(show, picture.jpeg, "image/jpeg")),
        Route("/frame.png", _still(show, picture.png, "image/png")),
        Route("/api/status", status),
        Route("/api/patch", patch),
        Route("/health", health),
        *side_routes(show, thumbnails),
        Route("/output", page.output),
        WebSocketRoute("/live", live),
        WebSocketRoute("/output/live", output_live),
        Mount("/assets", StaticFiles(directory=page.FOLDER / "assets", check_dir=False)),
    ]
    return Starlette(routes=routes)


class _Conversation:
    """One page's WebSocket: what it is sent, and what it says."""

    is_clean = False

    def __init__(self, show: StudioShow, audience: Audience, socket: WebSocket) -> None:
        self.show = show
        self.audience = audience
        self.socket = socket

    async def run(self, wish: Wish) -> None:
        await self.socket.accept()
        viewer = self.audience.join(wish, listens=not self.is_clean)
        if viewer is None:
            await self.socket.close(LATER, "too many sizes and rates are asked for: ask for one that others have")
            return
        speaking = asyncio.create_task(self._speak(viewer))
        try:
            await self._listen(viewer)
        except WebSocketDisconnect:
            pass
        finally:
            self.audience.leave(viewer)
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await speaking

    async def _speak(self, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                for message in await viewer.next():
                    await self.socket.send_bytes(message)

    async def _listen(self, viewer: Viewer) -> None:
        while True:
            event = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            try:
                await self._hear(viewer, event.get("bytes") or b"")
            except msgspec.DecodeError as error:
                await self.socket.close(SENSELESS, f"not a message of the studio: {error}"[:120])
                return

    async def _hear(self, viewer: Viewer, said: bytes) -> None:
        message = decode_from_page(said)
        if isinstance(message, Acknowledgement):
            viewer.acknowledge(message.number)
            return
        refusal = await self._obey(message)
        if refusal:
            viewer.tell("notice", encode(refusal))

    async def _obey(self, command: PageCommand | DoorAction | AtDesk) -> Refusal | None:
        try:
            if isinstance(command, DoorAction):
                if command.do in ("open", "change"):
                    self._must_be_here("doors are opened and changed")
                await asyncio.to_thread(self.show.door, command.do, command.door, **command.options)
                return None
            if not isinstance(command, PageCommand):
                await asyncio.to_thread(obey, self.show, command)
                return None
            arguments = {}
            if command.name in ("trust", "later"):
                self._must_be_here("permission to run a script is given")
                await self._may_trust(command.path)
                arguments = {"path": command.path or ""}
            elif command.name in ("keep", "back"):
                self._must_be_here("the patch's file is written")
            await asyncio.to_thread(self.show.command, command.name, **arguments)
        except GanzfeldError as error:
            return Refusal(error.what, error.hint)
        except Exception:
            name = command.name if isinstance(command, PageCommand) else type(command).__name__.lower()
            log.exception("command %s", name)
            return Refusal(f"'{name}' failed", "The log says why.")
        return None

    def _must_be_here(self, what: str) -> None:
        """Refuse what only the machine that plays may ask for. Raises `GanzfeldError`."""
        client = self.socket.client
        if client is None or not is_this_machine(client.host):
            raise GanzfeldError(f"{what} on the machine that plays it", hint="Open the studio there.")

    async def _may_trust(self, path: str | None) -> None:
        # Permission lets code run, so it is given to a file that asked.
        status = await asyncio.to_thread(self.show.status)
        if path not in status.pending_trust:
            raise GanzfeldError("no script of this name waits for permission")


class _CleanPage(_Conversation):
    """The WebSocket of a clean page: it is sent pictures, and a beat while there is none; it obeys nothing."""

    is_clean = True

    async def _speak(self, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                try:
                    messages = await asyncio.wait_for(viewer.next(), BEAT_SECONDS)
                except TimeoutError:
                    messages = [encode(Beat())]
                for message in messages:
                    await self.socket.send_bytes(message)

    async def _hear(self, viewer: Viewer, said: bytes) -> None:
        viewer.acknowledge(decode_from_clean_page(said).number)


def is_this_machine(host: str) -> bool:
    """Whether a client's IP address is a loopback one, in either family."""
    address = ipaddress.ip_address(host)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _still(
    show: StudioShow, encode_image: Callable[[np.ndarray], bytes], media_type: str
) -> Callable[[Request], Response]:
    # A plain function: Starlette runs it in a thread, off the event loop.
    def still(request: Request) -> Response:
        frame = show.latest(-1)
        if frame is None:
            return PlainTextResponse("There is no picture yet.\n", 503, {"retry-after": "1"})
        body = encode_image(frame.image)
        headers = {
            "cache-control": "no-store",
            "x-frame-number": str(frame.number),
            "x-frame-time": repr(float(frame.t)),
        }
        return Response(body, media_type=media_type, headers=headers)

    return still


def _json(value: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json", headers={"cache-control": "no-store"})
