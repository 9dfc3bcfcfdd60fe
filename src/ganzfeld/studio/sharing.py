"""What the page shows to who wants to let others in, and how it shows them out again: `/api/links`."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ganzfeld.studio import qr
from ganzfeld.studio.guard import set_cookie
from ganzfeld.studio.links import ROLES, Links, Role
from ganzfeld.studio.reachable import is_loopback
from ganzfeld.studio.sockets import OpenSockets
from ganzfeld.studio.visitors import visitor_of


class Reachable(Protocol):
    """A server that others may reach (`StudioServer`)."""

    links: Links | None

    @property
    def bases(self) -> list[str]: ...

    def link(self, role: Role, base: str = "") -> str: ...


class SharedLink(msgspec.Struct, frozen=True):
    """One link. qr: its QR code, an SVG element."""

    role: Role
    url: str
    qr: str


class SharedLinks(msgspec.Struct, frozen=True):
    """All of them; none where `--host` was not given. bases: the addresses at which others may find this machine, the
    likeliest first. is_secure: they are encrypted on their way."""

    links: list[SharedLink]
    bases: list[str]
    is_secure: bool


def link_routes(server: Reachable, sockets: OpenSockets) -> list[BaseRoute]:
    """GET /api/links, for who plays; POST /api/links takes them all back, and gives who asked a new cookie: from the
    machine that plays only."""

    def show(request: Request) -> Response:
        return _answer(server, request)

    async def renew(request: Request) -> Response:
        if not visitor_of(request.scope).is_here:
            return PlainTextResponse("Links are taken back on the machine that plays: open the studio there.\n", 403)
        if server.links is None:
            return PlainTextResponse("There are no links: ganzfeld play --host 0.0.0.0 makes them.\n", 409)
        await asyncio.to_thread(server.links.renew)
        await sockets.close_taken_back()
        answer = await asyncio.to_thread(_answer, server, request)
        set_cookie(answer, request.scope, server.links.token("play"))
        return answer

    return [Route("/api/links", show, methods=["GET"]), Route("/api/links", renew, methods=["POST"])]


def _answer(server: Reachable, request: Request) -> Response:
    base = ""
    host = request.url.hostname or ""
    if host and not is_loopback(host):
        base = f"{request.url.scheme}://{request.url.netloc}/"  # as who asks reached us, so others do
    found = [] if server.links is None else [_shared(server, role, base) for role in ROLES]
    bases = server.bases if server.links is not None else []
    answer = SharedLinks(found, bases, any(each.startswith("https:") for each in (base, *bases)))
    return Response(msgspec.json.encode(answer), media_type="application/json", headers={"cache-control": "no-store"})


def _shared(server: Reachable, role: Role, base: str) -> SharedLink:
    url = server.link(role, base)
    return SharedLink(role, url, qr.svg(url))
