"""What a page asks of the library over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import home_folder
from ganzfeld.studio import limits
from ganzfeld.studio.library.kinds import KINDS
from ganzfeld.studio.library.listing import Found, Library, LibraryItem, brought, chosen, found
from ganzfeld.studio.library.looking import PICTURE_PATIENCE, LookingProcess
from ganzfeld.studio.library.pictures import LibraryPictures
from ganzfeld.studio.library.places import NameTakenError, check_room, folder_of, move_into, safe_name
from ganzfeld.studio.library.questions import Fitting, LookAtFile, SeenFile, TryNetwork
from ganzfeld.studio.library.uploads import ArrivedFile, RefusedFileError, Upload, Uploads
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.turns import Turns
from ganzfeld.studio.visitors import visitor_of
from ganzfeld.studio.wire import Refusal

_FRESH = {"cache-control": "no-store"}

Body = TypeVar("Body", bound=msgspec.Struct)
Answer = Callable[[Request], Awaitable[Response]]


class AnnouncedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that a page would like to send. size: in bytes."""

    name: str
    size: int


class GivenPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a file goes, and under which name ("": its own). replace: whether one of this name may go for it."""

    place: Literal["beside", "mine"]
    name: str = ""
    replace: bool = False


class TriedNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network of the library (`what`), tried in the place of the one that a node plays."""

    what: str
    node: str


class HeardSong(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A song of the library that is to be heard, or the sound of a film."""

    what: str
    kind: Literal["song", "film"] = "song"


class LibraryService:
    """The answers of a running studio. All want the right to play.

    GET    /api/library                      a `Library`; `?first=film` makes pictures of that kind first
    GET    /api/library/pictures/KEY         the picture of an item
    POST   /api/library/try                  `TriedNetwork` -> `Fitting`: which lines would not fit
    POST   /api/library/listen               `HeardSong`: the show hears it from now on
    POST   /api/library/uploads              `AnnouncedFile` -> `Upload`
    PUT    /api/library/uploads/ID           the bytes -> `ArrivedFile`, when they have been looked at
    GET    /api/library/uploads/ID/picture   its picture
    POST   /api/library/uploads/ID           `GivenPlace` -> `LibraryItem`; 409 if the name is taken
    DELETE /api/library/uploads/ID           never mind
    """

    def __init__(self, show: StudioShow) -> None:
        self._show = show
        self._makes, self._checks = LookingProcess(), LookingProcess()
        self.pictures = LibraryPictures(lambda asked: self._makes.look(asked, PICTURE_PATIENCE))
        self.uploads = Uploads(self._check, self._checks.child.end)
        self._lists = Turns("library lists", limits.LIBRARY_WAITING)
        self._tries = Turns("library tries", limits.TRIES_WAITING)

    def _check(self, asked: LookAtFile) -> SeenFile:
        return self._checks.look(asked)

    @property
    def routes(self) -> list[BaseRoute]:
        uploads = "/api/library/uploads"
        return [
            Route("/api/library", _answering(self._list)),
            Route("/api/library/pictures/{key}", self._picture),
            Route("/api/library/try", _answering(self._try), methods=["POST"]),
            Route("/api/library/listen", _answering(self._listen), methods=["POST"]),
            Route(uploads, _answering(self._announce), methods=["POST"]),
            Route(f"{uploads}/{{id}}", _answering(self._receive), methods=["PUT"]),
            Route(f"{uploads}/{{id}}", _answering(self._place), methods=["POST"]),
            Route(f"{uploads}/{{id}}", _answering(self._cancel), methods=["DELETE"]),
            Route(f"{uploads}/{{id}}/picture", self._brought_picture),
        ]

    def close(self) -> None:
        """End the processes that look at files, and remove what has no place."""
        self._lists.close()
        self._tries.close()
        self._makes.close()
        self._checks.close()
        self.pictures.close()
        self.uploads.close()

    # What there is

    async def _list(self, request: Request) -> Library:
        return await self._lists.take(self._library, request.query_params.get("first", ""))

    def _library(self, first: str) -> Library:
        patch = self._show.patch_file
        everything = found(patch, self._show.patches())
        waits = self.pictures.want(sorted(everything, key=lambda each: each.item.kind != first))
        return Library(
            [self._with_picture(each) for each in everything],
            beside=str(patch.parent) if patch is not None else "",
            mine=str(home_folder()),
            waits=waits,
        )

    def _with_picture(self, each: Found) -> LibraryItem:
        known, item = self.pictures.state(each), each.item
        return msgspec.structs.replace(
            item, key=known.key, has_picture=known.has_picture, about=item.about or known.about
        )

    def _picture(self, request: Request) -> Response:
        return _jpeg(self.pictures.get(request.path_params["key"]))

    # What is done with it

    async def _try(self, request: Request) -> Fitting:
        asked = await _body(request, TriedNetwork)
        return await self._tries.take(self._tried, asked)

    def _tried(self, asked: TriedNetwork) -> Fitting:
        network = chosen(asked.what, "network", self._show.patch_file)
        text, folder = self._show.patch_source().text, self._show.patch_folder()
        return self._checks.fitting(TryNetwork(text, folder, asked.node, network.item.said))

    async def _listen(self, request: Request) -> Any:
        asked = await _body(request, HeardSong)
        song = await self._lists.take(chosen, asked.what, asked.kind, self._show.patch_file)
        await asyncio.to_thread(self._show.hear_song, song.path)
        return {}

    # What is brought

    async def _announce(self, request: Request) -> Upload:
        asked = await _body(request, AnnouncedFile)
        return self.uploads.announce(asked.name, asked.size, owner=_owner(request))

    async def _receive(self, request: Request) -> ArrivedFile:
        _must_be(request, "application/octet-stream")
        key = request.path_params["id"]
        arrived = await self._unless_left(request, key)
        patch, taken = self._show.patch_file, []
        for place in ("beside", "mine"):
            folder = folder_of(place, patch)
            if folder is not None and (folder / arrived.name).exists():
                taken.append(place)
        return msgspec.structs.replace(arrived, taken=tuple(taken))

    async def _unless_left(self, request: Request, key: str) -> ArrivedFile:
        """Receive a file; who leaves while it is looked at has cancelled it, too."""
        body = _Chunks(request)
        receiving = asyncio.ensure_future(self.uploads.receive(key, body.chunks()))
        ending, leaving = asyncio.ensure_future(body.ended.wait()), None
        try:
            await asyncio.wait({receiving, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                leaving = asyncio.ensure_future(_left(request))
                await asyncio.wait({receiving, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done():
                    self.uploads.forget(key)
            return await receiving
        finally:
            for task in (receiving, ending, leaving):
                if task is not None:
                    task.cancel()

    async def _place(self, request: Request) -> LibraryItem:
        asked, key = await _body(request, GivenPlace), request.path_params["id"]
        arrived = self.uploads.arrived(key)
        item = await asyncio.to_thread(self._placed, arrived, self.uploads.path(key), asked)
        self.uploads.forget(key)
        return item

    def _placed(self, arrived: ArrivedFile, path: Path, asked: GivenPlace) -> LibraryItem:
        patch = self._show.patch_file
        folder = folder_of(asked.place, patch)
        if folder is None:
            raise GanzfeldError("this show has no file yet, so nothing lies beside it", hint="Take your folder")
        name = safe_name(asked.name or arrived.name, suffix=Path(arrived.name).suffix)
        if asked.replace and arrived.kind == "patch":
            raise GanzfeldError("a patch is never replaced by another", hint="Choose another name")
        check_room(folder, arrived.size)
        if sum(1 for _ in _entries(folder)) > limits.MOST_FILES * len(KINDS):
            raise GanzfeldError(f"there are too many files in {folder} already", hint="Move some away")
        jpeg = self.uploads.picture(arrived.id) or b""
        move_into(path, folder / name, replace=asked.replace)
        if arrived.kind == "patch":
            return LibraryItem(f"{asked.place}:{name}", "patch", Path(name).stem, asked.place, folder=str(folder))
        made = brought(folder / name, arrived.kind, asked.place, patch)
        self.pictures.keep(made, jpeg, arrived.about)
        return self._with_picture(made)

    async def _cancel(self, request: Request) -> Any:
        self.uploads.forget(request.path_params["id"])
        return {}

    def _brought_picture(self, request: Request) -> Response:
        return _jpeg(self.uploads.picture(request.path_params["id"]))


class _Chunks:
    """The body of a request in pieces. ended: set when all of it has come."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.ended = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._request.stream():
                if chunk:
                    yield chunk
        finally:
            self.ended.set()


async def _left(request: Request) -> None:
    """Returns when who asked has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from folder.iterdir()


def _answering(answer: Callable[[Request], Awaitable[Any]]) -> Answer:
    """An answer as JSON, and what cannot be done as a `Refusal` with the number that HTTP has for it."""

    async def respond(request: Request) -> Response:
        try:
            return _json(await answer(request))
        except RefusedFileError as error:
            return _json(Refusal(error.what, error.hint), error.status)
        except NameTakenError as error:
            return _json(Refusal(error.what, error.hint), 409)
        except GanzfeldError as error:
            return _json(Refusal(error.what, error.hint), 422)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    return respond


async def _body(request: Request, kind: type[Body]) -> Body:
    """What a request says as JSON. Raises RefusedFileError."""
    _must_be(request, "application/json")
    try:
        async with asyncio.timeout(limits.SLOWEST_UPLOAD):
            said = await _short(request)
    except TimeoutError:
        raise RefusedFileError("the question took too long", status=408) from None
    try:
        return msgspec.json.decode(said, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedFileError(f"this is no question of the page: {error}", status=400) from None


async def _short(request: Request) -> bytes:
    said = b""
    async for chunk in request.stream():
        said += chunk
        if len(said) > limits.LARGEST_QUESTION:
            raise RefusedFileError("the question is too long", status=413)
    return said


def _must_be(request: Request, kind: str) -> None:
    """A form of another page cannot say this of what it sends. Raises RefusedFileError."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != kind:
        raise RefusedFileError(f"what is sent has to be {kind}", status=415)


def _jpeg(made: bytes | None) -> Response:
    if made is None:
        return PlainTextResponse("There is no such picture.\n", 404)
    # Another file has another key, so it never changes.
    return Response(made, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, headers=_FRESH, media_type="application/json")


def _owner(request: Request) -> str:
    """Which visitor by link this is: of a class that shares one link, each machine is one; "" for who is here."""
    visitor = visitor_of(request.scope)
    host = request.client.host if request.client is not None else ""
    return f"{visitor.token} {host}" if visitor.is_linked else ""
