"""What the page's editor looks up: the words of a patch, and values as they are now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import limits
from ganzfeld.studio.inside import Insides
from ganzfeld.studio.live_values import LiveValues
from ganzfeld.studio.map_words import told
from ganzfeld.studio.show import StudioDocument, StudioShow
from ganzfeld.studio.text_edits import edited
from ganzfeld.studio.turns import Turns
from ganzfeld.studio.wire import Edit, Edited
from ganzfeld.studio.word_service import WordService
from ganzfeld.studio.words import EditAnswer

LONGEST_ADDRESS = 400
_FRESH = {"cache-control": "no-store"}


class Lookups:
    """The answers of a running studio.

    GET /api/words                    `words.Words` of the patch that was played last
    GET /api/layers                   `inside.Insides` of the document as it is written
    GET /api/map                      `map_words.PatchMap` of what is written
    GET /api/values?address=/face/psi  {"/face/psi": 0.8}; `address` may be given several times
    """

    def __init__(
        self,
        show: StudioShow,
        collect: Callable[[str, str], bytes] | None = None,
        look_inside: Callable[[str, str, str], bytes] | None = None,
    ) -> None:
        """collect, look_inside: make the JSON of the words, and of the insides, of a text whose files lie in a
        folder; if not given, a process does."""
        self._show = show
        self._service = WordService()
        self._collect = collect or self._service.words
        self._look_inside = look_inside or self._service.insides
        self._values = LiveValues(show)
        self._turns = Turns("words", limits.LOOKUPS_WAITING)

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/words", self._answer_words),
            Route("/api/layers", self._answer_layers),
            Route("/api/map", self._answer_map),
            Route("/api/values", self._answer_values),
        ]

    def edit(self, text: str, do: str, arguments: Mapping[str, Any]) -> EditAnswer:
        """What an edit makes of a text. It may take seconds, the first time. Raises GanzfeldError."""
        return self._service.edit(text, do, arguments)

    async def edited(self, document: StudioDocument, asked: Edit) -> Edited:
        """The answer to an edit (`text_edits.edited`), in its turn. Raises GanzfeldError if too many wait."""
        return await self._turns.take(edited, document, self.edit, asked)

    def close(self) -> None:
        """End what collects words, and have no values reported any more."""
        self._values.close()
        self._turns.close()
        self._service.close()

    async def _answer_words(self, request: Request) -> Response:
        return await self._in_turn(lambda: self._collect(self._show.patch_source().text, self._show.patch_folder()))

    async def _answer_layers(self, request: Request) -> Response:
        return await self._in_turn(self._layers)

    def _layers(self) -> bytes:
        document, _ = self._show.document.told("", 0)
        answer = self._look_inside(document.text, self._show.patch_folder(), self._show.patch_source().text)
        return msgspec.json.encode(
            replace(msgspec.json.decode(answer, type=Insides), log=document.log, version=document.version)
        )

    async def _answer_map(self, request: Request) -> Response:
        return await self._in_turn(self._map)

    def _map(self) -> bytes:
        whole, _ = self._show.document.told("", 0)
        return told(self._service.map(whole.text), whole.log, whole.version)

    async def _in_turn(self, look_up: Callable[[], bytes]) -> Response:
        try:
            body = await self._turns.take(look_up)
        except GanzfeldError as error:
            return PlainTextResponse(f"{error.what}\n", 503, _FRESH)
        return Response(body, media_type="application/json", headers=_FRESH)

    def _answer_values(self, request: Request) -> Response:
        asked = [address for address in request.query_params.getlist("address") if len(address) <= LONGEST_ADDRESS]
        body = msgspec.json.encode(self._values.values(asked))
        return Response(body, media_type="application/json", headers=_FRESH)
