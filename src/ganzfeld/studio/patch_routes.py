"""The patches that the page offers to open, and a copy of the one that plays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ganzfeld.patch import library
from ganzfeld.patch.library import ListedPatch
from ganzfeld.studio.show import StudioShow


def patch_routes(show: StudioShow) -> list[BaseRoute]:
    """GET /api/examples: what ships; /api/patches: the person's own; /patch.ganz: the text that plays, as a file."""

    def examples(request: Request) -> Response:
        return _json(library.examples())

    def patches(request: Request) -> Response:
        return _json(show.patches())

    def copy(request: Request) -> Response:
        source = show.patch_source()
        headers = {"content-disposition": attachment(source.name), "cache-control": "no-store"}
        return Response(source.text, media_type="text/plain; charset=utf-8", headers=headers)

    return [Route("/api/examples", examples), Route("/api/patches", patches), Route("/patch.ganz", copy)]


def attachment(name: str) -> str:
    """The header that makes a browser save an answer as a patch of this name."""
    stem = name.removesuffix(".ganz") or "patch"
    plain = re.sub(r"[^A-Za-z0-9_ -]", "_", stem)[:80]
    return f"attachment; filename=\"{plain}.ganz\"; filename*=UTF-8''{quote(f'{stem[:80]}.ganz', safe='')}"


def _json(patches: Sequence[ListedPatch]) -> Response:
    body = msgspec.json.encode(patches)
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
