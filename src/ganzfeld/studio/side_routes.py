"""What the page asks beside its WebSocket: where pictures can go, what works on this machine, what comes in, and the
pictures of snapshots."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio.machine import examination, outputs_here, sounds_here
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.thumbnails import Thumbnails
from ganzfeld.studio.wire import Refusal


def side_routes(show: StudioShow, thumbnails: Thumbnails) -> list[BaseRoute]:
    """GET /api/outputs         kinds of doors, what is found of each here, what is missing (`machine.OutputsHere`)
    GET /api/sounds          what can be listened to here (`machine.SoundsHere`)
    GET /api/doctor          what works on this machine (a list of `machine.Examined`); takes seconds
    GET /api/meters          what is heard, and what arrives by OSC and MIDI (`values.inputs.Inputs`)
    GET /api/snapshots/KEY   the picture of a snapshot, by `SnapshotOnDesk.key`
    """
    outputs, sounds, doctor = outputs_here(), sounds_here(), examination()

    def meters(request: Request) -> Response:
        return _json(show.inputs())

    def thumbnail(request: Request) -> Response:
        found = thumbnails.get(request.path_params["key"])
        if found is None:
            return PlainTextResponse("There is no such picture.\n", 404)
        # Other values have another key, so it never changes.
        return Response(found, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})

    return [
        Route("/api/outputs", _answering(outputs.ask)),
        Route("/api/sounds", _answering(sounds.ask)),
        Route("/api/doctor", _answering(doctor.ask)),
        Route("/api/meters", meters),
        Route("/api/snapshots/{key}", thumbnail),
    ]


def _answering(ask: Callable[[], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return _json(await ask())
        except GanzfeldError as error:
            return _json(Refusal(error.what, error.hint), 503)

    return answer


def _json(value: Any, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), status, headers=headers, media_type="application/json")
