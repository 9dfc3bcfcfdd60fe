"""Masks that are painted in the page: small pictures beside the patch, `night.brush.png` for `night.ganz`."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ganzfeld.atomic_write import write_whole
from ganzfeld.errors import GanzfeldError, reason_of
from ganzfeld.plain_file import read_plain
from ganzfeld.studio import limits
from ganzfeld.studio.allowance import Budget
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.wire import Refusal

_NAME = re.compile(r"brush\d{0,2}")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRESH = {"cache-control": "no-store"}


class BrushFile(msgspec.Struct, frozen=True):
    """A painted mask. name: of the node that shows it ("brush"); file: as the patch names it ("night.brush.png")."""

    name: str
    file: str


class RefusedBrushError(GanzfeldError):
    """A painting that cannot be kept. status: the number that HTTP has for the reason."""

    def __init__(self, what: str, hint: str = "", status: int = 422) -> None:
        super().__init__(what, hint=hint)
        self.status = status


class Brushes:
    """The answers of a running studio, for who may play.

    GET /api/brushes/NAME   the picture; 404 if none was painted
    PUT /api/brushes/NAME   a PNG -> `BrushFile`; 409 while the show has no file, beside which it could lie

    NAME: "brush", "brush2", … "brush99": no other file beside the patch can be read or written by this.
    """

    def __init__(self, show: StudioShow) -> None:
        self._show = show
        self._budget = Budget(limits.PAINTED_BYTES_A_SECOND, limits.PAINTED_BYTES_AT_ONCE)
        self._writing = asyncio.Lock()

    @property
    def routes(self) -> list[BaseRoute]:
        return [Route("/api/brushes/{name}", self._answer, methods=["GET", "PUT"])]

    async def _answer(self, request: Request) -> Response:
        try:
            if request.method == "PUT":
                return _json(await self._keep(request))
            picture = await asyncio.to_thread(self._read, request.path_params["name"])
            return Response(picture, media_type="image/png", headers=_FRESH)
        except RefusedBrushError as error:
            return _json(Refusal(error.what, error.hint), error.status)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _keep(self, request: Request) -> BrushFile:
        name = request.path_params["name"]
        self._path(name)
        if request.headers.get("content-type", "") != "image/png":
            raise RefusedBrushError("a painted mask is a PNG", status=415)
        if self._budget.is_spent:
            raise RefusedBrushError("too much is painted at once", "Try again in a moment", 429)
        try:
            picture = await asyncio.wait_for(self._received(request.stream()), limits.SLOWEST_PAINTING)
        except TimeoutError:
            raise RefusedBrushError("the painting did not come whole", "Try again", 408) from None
        await asyncio.to_thread(check_painting, picture)
        async with self._writing:  # the one that came last stays
            path = self._path(name)
            try:
                await asyncio.to_thread(_write, path, picture)
            except OSError as error:
                what = f"'{path.name}' cannot be written: {reason_of(error)}"
                raise RefusedBrushError(what, status=507) from None
        return BrushFile(name, path.name)

    async def _received(self, chunks: AsyncIterator[bytes]) -> bytes:
        picture = bytearray()
        async for chunk in chunks:
            if self._budget.is_spent:  # as many as connect begin at one moment
                raise RefusedBrushError("too much is painted at once", "Try again in a moment", 429)
            self._budget.spend(len(chunk))
            picture += chunk
            if len(picture) > limits.LARGEST_PAINTING:
                raise RefusedBrushError("this painting is too large", status=413)
        return bytes(picture)

    def _read(self, name: str) -> bytes:
        path = self._path(name)
        try:
            picture = read_plain(path, limits.LARGEST_PAINTING)
        except FileNotFoundError:
            raise RefusedBrushError("nothing was painted yet", status=404) from None
        except OSError as error:
            raise RefusedBrushError(f"'{path.name}' cannot be read: {reason_of(error)}", status=404) from None
        check_painting(picture)
        return picture

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise RefusedBrushError("a brush is called brush, brush2, …", status=404)
        patch = self._show.patch_file
        if patch is None:
            hint = "Keep it under a name first: a painting lies beside its file"
            raise RefusedBrushError("this show has no file yet", hint, 409)
        return patch.with_name(f"{patch.stem}.{name}.png")


def _write(path: Path, picture: bytes) -> None:
    """Raises OSError, and RefusedBrushError where a link lies in the place: a stranger's show may bring one along that
    leads anywhere."""
    if path.is_symlink():
        raise RefusedBrushError(f"'{path.name}' is a link, and is not written through", "Remove it", 409)
    write_whole(path, picture)


def check_painting(data: bytes) -> None:
    """Raise `RefusedBrushError` for what is no small PNG of 8 bits, whole and undamaged. Nothing is unpacked here: what
    shows the picture does that in a process that may fail."""
    if not data.startswith(_SIGNATURE):
        raise RefusedBrushError("this is no PNG")
    place, kinds = len(_SIGNATURE), []
    while place < len(data):
        length, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        end = place + 12 + length
        if end > len(data) or zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise RefusedBrushError("this PNG is damaged")
        if not kinds:
            _check_header(kind, data[place + 8 : end - 4])
        kinds.append(kind)
        place = end
        if kind == b"IEND":
            break
    if place != len(data) or kinds[-1:] != [b"IEND"] or b"IDAT" not in kinds:
        raise RefusedBrushError("this PNG is damaged")


def _check_header(kind: bytes, header: bytes) -> None:
    if kind != b"IHDR" or len(header) != 13:
        raise RefusedBrushError("this PNG is damaged")
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    if not (1 <= width <= limits.LARGEST_PAINTED_SIDE and 1 <= height <= limits.LARGEST_PAINTED_SIDE):
        raise RefusedBrushError(f"a painting has at most {limits.LARGEST_PAINTED_SIDE} pixels along a side")
    if header[8] != 8 or header[9] not in (0, 2, 4, 6) or header[10:] != bytes(3):
        raise RefusedBrushError("a painting has 8 bits a colour, and comes line by line")


def _json(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, headers=_FRESH, media_type="application/json")
