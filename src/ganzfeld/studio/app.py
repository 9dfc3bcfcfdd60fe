"""What the studio's server answers: the page, the live WebSocket, and the same things for programs."""

from __future__ import annotations

import asyncio
import contextlib
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
from ganzfeld.studio import limits, page, picture
from ganzfeld.studio.allowance import Allowance
from ganzfeld.studio.brushes import Brushes
from ganzfeld.studio.desk_actions import obey
from ganzfeld.studio.library.routes import LibraryService
from ganzfeld.studio.lookups import Lookups
from ganzfeld.studio.patch_routes import patch_routes
from ganzfeld.studio.preview_feed import PreviewFeed
from ganzfeld.studio.sharing import Reachable, link_routes
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.side_routes import side_routes
from ganzfeld.studio.sockets import OpenSockets, close_reason
from ganzfeld.studio.text_actions import AnswerEdit, TextActions, TooFastError
from ganzfeld.studio.thumbnails import Thumbnails
from ganzfeld.studio.viewers import LINKED_WISH, Audience, Viewer, linked_wish_of, wish_of
from ganzfeld.studio.visitors import visitor_of
from ganzfeld.studio.wire import (
    Acknowledgement,
    AskPreviews,
    AtDesk,
    AtlasDrawn,
    AtPreviews,
    AtText,
    Beat,
    DoorAction,
    KeepAs,
    Look,
    MergeEdits,
    OpenPatch,
    PageCommand,
    PushUpdates,
    Refusal,
    SoundChosen,
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


def create_app(
    show: StudioShow,
    audience: Audience,
    sockets: OpenSockets,
    server: Reachable,
    lookups: Lookups,
    thumbnails: Thumbnails,
    library: LibraryService,
) -> Starlette:
    """The ASGI application, without its guard.

    GET /            the page
    GET /frame.jpg   the newest frame; /frame.png the same, lossless, with alpha
    GET /api/status  fps, frame_ms, frame, t, errors, …
    GET /api/examples, /api/patches, /patch.ganz    what can be opened, and the text that plays as a file
    GET /api/links   the links by which others come, with QR codes; POST takes them back and makes new ones
    GET /health      the age of the newest frame, …; 503 if it is too old
    GET /api/patch   name, text, version
    GET /api/map     the patch as a map: nodes, numbers, what goes where
    GET /api/words   what the editor completes and explains; /api/values what addresses hold now (`lookups.py`)
    /api/library/…   what `LibraryService` says
    GET /output      a clean page: the picture and nothing else
    /api/brushes/…   what `Brushes` says
    GET /api/…       what `side_routes` says
    WS  /live        frames and words (`wire.py`), paced by acknowledgement; ?height=640&fps=15 of the frames
    WS  /output/live frames alone; it obeys nothing

    Who may open which of them is for `visitors.Visitor.may_open` to say.
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
        await _Conversation(show, audience, sockets, socket, lookups.edited).run()

    async def output_live(socket: WebSocket) -> None:
        await _CleanPage(show, audience, sockets, socket, lookups.edited).run()

    routes: list[BaseRoute] = [
        Route("/", page.index),
        Route("/frame.jpg", _still(show, picture.jpeg, "image/jpeg")),
        Route("/frame.png", _still(show, picture.png, "image/png")),
        Route("/api/status", status),
        Route("/api/patch", patch),
        *lookups.routes,
        *patch_routes(show),
        *link_routes(server, sockets),
        Route("/health", health),
        *side_routes(show, thumbnails),
        *Brushes(show).routes,
        *library.routes,
        Route("/output", page.output),
        WebSocketRoute("/live", live),
        WebSocketRoute("/output/live", output_live),
        Mount("/assets", StaticFiles(directory=page.FOLDER / "assets", check_dir=False)),
    ]
    return Starlette(routes=routes)


class _Conversation:
    """One page's WebSocket: what it is sent, and what it says."""

    is_clean = False

    def __init__(
        self, show: StudioShow, audience: Audience, sockets: OpenSockets, socket: WebSocket, edit: AnswerEdit
    ) -> None:
        self.edit = edit
        self.show = show
        self.audience = audience
        self.sockets = sockets
        self.socket = socket
        self.visitor = visitor_of(socket.scope)
        self.allowance = Allowance()

    async def run(self) -> None:
        await self.socket.accept()
        if not self.sockets.enter(self.socket, self.visitor):
            await self.socket.close(LATER, "too many watch this show already")
            return
        try:
            await self._serve()
        finally:
            self.sockets.leave(self.socket)

    async def _serve(self) -> None:
        viewer = self._join()
        if viewer is None:
            await self.socket.close(LATER, "too many sizes and rates are asked for: ask for one that others have")
            return
        self.text = TextActions(self.show.document, self.audience, viewer, self.edit)
        self.previews = PreviewFeed(self.show.previews, viewer)
        if not self.is_clean:
            viewer.tell("you", encode(self.sockets.greeting(self.visitor)))
        speaking = asyncio.create_task(self._speak(viewer))
        try:
            await self._listen(viewer)
        except WebSocketDisconnect:
            pass
        finally:
            self.audience.leave(viewer)
            await self.text.leave()
            await self.previews.leave()
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await speaking

    def _join(self) -> Viewer | None:
        query, listens = self.socket.query_params, not self.is_clean
        if not self.visitor.is_linked:
            return self.audience.join(wish_of(query, is_page=self.is_clean), listens=listens)
        if self.visitor.role == "output":
            wish, bandwidth = linked_wish_of(query, is_page=True, fps=None), self.audience.for_outputs
        else:
            fps = limits.PLAYER_FPS if self.visitor.role == "play" else limits.VIEWER_FPS
            wish, bandwidth = linked_wish_of(query, is_page=self.is_clean, fps=fps), self.audience.for_pages
        joined = self.audience.join(wish, listens=listens, bandwidth=bandwidth)
        if joined is None and not self.is_clean:
            return self.audience.join(LINKED_WISH, listens=listens, bandwidth=bandwidth)
        return joined

    async def _speak(self, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                for message in await viewer.next():
                    await self._send(message)

    async def _send(self, message: bytes) -> None:
        """Raises WebSocketDisconnect if the other end has gone, or we have closed."""
        try:
            await self.socket.send_bytes(message)
        except RuntimeError:  # closed already, says starlette
            raise WebSocketDisconnect(SENSELESS) from None

    async def _listen(self, viewer: Viewer) -> None:
        while True:
            event = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            said = event.get("bytes") or b""
            if (wait := self.allowance.wait(len(said))) > 0:
                if self.allowance.is_spent:
                    await self.socket.close(SENSELESS, "too many messages")
                    return
                await asyncio.sleep(wait)  # nothing more is read meanwhile
            try:
                await self._hear(viewer, said)
            except msgspec.DecodeError as error:
                await self.socket.close(SENSELESS, close_reason(f"not a message of the studio: {error}"))
                return

    async def _hear(self, viewer: Viewer, said: bytes) -> None:
        message = decode_from_page(said)
        if len(said) > limits.LARGEST_WORD and not isinstance(message, PushUpdates | MergeEdits):
            raise msgspec.DecodeError("it is too long")
        if isinstance(message, Acknowledgement):
            viewer.acknowledge(message.number)
            return
        if isinstance(message, AtlasDrawn):
            self.audience.looking.drawn(viewer)
            return
        if isinstance(message, Look) and self.visitor.role == "play":
            self.audience.looking.look(viewer, message.views)
            return
        refusal = await self._obey(message)
        if refusal:
            viewer.tell("notice", encode(refusal))

    async def _obey(
        self, command: PageCommand | DoorAction | KeepAs | OpenPatch | Look | AtDesk | AtText | AtPreviews
    ) -> Refusal | None:
        if self.visitor.role != "play" or isinstance(command, Look):
            return Refusal("this link lets you watch", "Ask who plays the show for a link to play.")
        try:
            if isinstance(command, DoorAction):
                if command.do in ("open", "change"):
                    self._must_be_here("doors are opened and changed")
                await asyncio.to_thread(self.show.door, command.do, command.door, **command.options)
                return None
            if isinstance(command, KeepAs):
                await asyncio.to_thread(self.show.keep_as, command.name)
                return None
            if isinstance(command, OpenPatch):
                kept = await asyncio.to_thread(self.show.open_patch, command.what)
                return Refusal("what was typed had no file yet", f"It is kept in {kept}") if kept else None
            if isinstance(command, AtText):
                await self.text.obey(command)
                return None
            if isinstance(command, AtPreviews):
                await self._at_previews(command)
                return None
            if isinstance(command, SoundChosen):
                self._must_be_here("the sound device is chosen")
            if not isinstance(command, PageCommand):
                await asyncio.to_thread(obey, self.show, command)
                return None
            arguments = {}
            if command.name in ("trust", "later"):
                self._must_be_here("permission to run a script is given")
                await self._may_trust(command.path)
                arguments = {"path": command.path or ""}
            elif command.name in ("keep", "back"):
                self._may_write()
            await asyncio.to_thread(self.show.command, command.name, **arguments)
        except GanzfeldError as error:
            return Refusal(error.what, error.hint)
        except TooFastError:
            raise msgspec.DecodeError("too many of them in a second") from None
        except Exception:
            name = command.name if isinstance(command, PageCommand) else type(command).__name__.lower()
            log.exception("command %s", name)
            return Refusal(f"'{name}' failed", "The log says why.")
        return None

    def _must_be_here(self, what: str) -> None:
        """Refuse what only the machine that plays may ask for. Raises `GanzfeldError`."""
        if not self.visitor.is_here:
            raise GanzfeldError(f"{what} on the machine that plays it", hint="Open the studio there.")

    async def _at_previews(self, command: AtPreviews) -> None:
        if isinstance(command, AskPreviews):
            await self.previews.ask(command)
        else:
            self._may_write()
            await asyncio.to_thread(self.show.take_roll, command.line)

    def _may_write(self) -> None:
        """Refuse who may not write the patch's file: who has a link to play may, and this machine. Raises
        `GanzfeldError`."""
        if not self.visitor.token:
            self._must_be_here("the patch's file is written")

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
                    await self._send(message)

    async def _hear(self, viewer: Viewer, said: bytes) -> None:
        viewer.acknowledge(decode_from_clean_page(said).number)


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
