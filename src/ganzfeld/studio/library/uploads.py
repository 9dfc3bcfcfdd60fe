"""Files that pages bring: announced, sent, looked at, given a place. Until it has one, a file lies in Ganzfeld's cache
under a name of our own; what is cancelled, damaged or forgotten leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.feeders.base import size as readable
from ganzfeld.folders import cache_folder
from ganzfeld.studio import limits
from ganzfeld.studio.allowance import Budget
from ganzfeld.studio.library.kinds import KINDS, FileKind, kind_of, suffixes_of
from ganzfeld.studio.library.places import check_room, safe_name, unwritable
from ganzfeld.studio.library.questions import LookAtFile, SeenFile

STALE_SECONDS = 24 * 3600.0
"""Files of a show that was killed are removed after so long."""
PICTURE_HEIGHT = 180
WRITTEN_AT_ONCE = 1 << 20
"""Bytes."""
PAUSE_SECONDS = 0.02
"""Between two looks whether more may come."""


class Upload(msgspec.Struct, frozen=True):
    """A file that a page may send now. name: what it will be called."""

    id: str
    name: str
    kind: FileKind


class ArrivedFile(msgspec.Struct, frozen=True):
    """A file that has come and can be used. about: what it is. notes: what a person should know of it. taken: the
    places where there is a file of this name already. has_picture: whether there is a picture of it."""

    id: str
    name: str
    kind: FileKind
    size: int
    about: str = ""
    notes: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    has_picture: bool = False


class RefusedFileError(GanzfeldError):
    """A file that cannot be brought. status: the number that HTTP has for the reason."""

    def __init__(self, what: str, *, hint: str = "", status: int = 422) -> None:
        super().__init__(what, hint=hint)
        self.status = status


@dataclass(slots=True)
class _Waiting:
    """One file. owner: which visitor by link brings it; "" of who plays at this machine. state: announced, then coming,
    then arrived. seen: what is in it."""

    upload: Upload
    size: int
    path: Path
    owner: str
    since: float = field(default_factory=time.monotonic)
    state: str = "announced"
    seen: SeenFile = field(default_factory=SeenFile)


class Uploads:
    """look: says what is in a file (it runs in a thread, and may raise GanzfeldError). stop: has it end at once. For
    one event loop, but for `close`."""

    def __init__(self, look: Callable[[LookAtFile], SeenFile], stop: Callable[[], None] = lambda: None) -> None:
        self._look, self._stop = look, stop
        self._looking = asyncio.Lock()
        self._looked_at = ""
        self._files: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self._linked = Budget(limits.UPLOADED_BYTES_A_SECOND, limits.UPLOADED_BYTES_AT_ONCE)
        self._here = Budget(limits.BYTES_HERE_A_SECOND, limits.UPLOADED_BYTES_AT_ONCE)
        self._has_tidied = False

    def announce(self, name: str, size: int, *, owner: str = "") -> Upload:
        """A page wants to send a file. owner: tells visitors by link apart; "" of who plays at this machine. Raises
        RefusedFileError, and GanzfeldError if its name is none."""
        self._forget_old()
        kind = kind_of(name)
        if kind is None:
            endings = ", ".join(end for kind in KINDS for end in suffixes_of(kind)[:3])
            raise RefusedFileError(f"'{name[-80:]}' is no file that can be used here", hint=f"Among those: {endings}")
        name = safe_name(name)
        largest = limits.LARGEST_FILES[kind]
        if size > largest:
            what = f"'{name}' has {readable(size)}; a {kind} that is brought here has {readable(largest)} at most"
            raise RefusedFileError(what, hint="Copy it beside the patch yourself", status=413)
        if size <= 0:
            raise RefusedFileError(f"'{name}' is empty")
        if not self._has_place(owner):
            raise RefusedFileError("too many files come at once", hint="Say first where the others go", status=429)
        check_room(_folder(), size + sum(file.size for file in self._files.values() if file.state != "arrived"))
        key = secrets.token_hex(16)
        upload = Upload(key, name, kind)
        self._files[key] = _Waiting(upload, size, _folder() / f"{key}{Path(name).suffix}", owner)
        return upload

    async def receive(self, key: str, chunks: AsyncIterator[bytes]) -> ArrivedFile:
        """Take a file's bytes, then look at it. It is forgotten where this raises: GanzfeldError if it cannot be used,
        or whatever `chunks` raises."""
        file = self._file(key, "announced")
        file.state = "coming"
        try:
            await self._write(file, chunks)
            await self._check(file)
        except BaseException:
            self.forget(key)
            with contextlib.suppress(OSError):  # Windows removes no file that is open: it was, when it was cancelled
                file.path.unlink()
            raise
        asyncio.get_running_loop().call_later(limits.UPLOAD_KEPT_SECONDS + 1, self._forget_old)
        return self.arrived(key)

    def arrived(self, key: str) -> ArrivedFile:
        """A file that waits for a place. Raises RefusedFileError if there is none."""
        file = self._file(key, "arrived")
        upload, seen = file.upload, file.seen
        return ArrivedFile(
            key, upload.name, upload.kind, file.size, seen.about, seen.notes[:8], has_picture=bool(seen.jpeg)
        )

    def picture(self, key: str) -> bytes | None:
        """Its picture as JPEG."""
        file = self._files.get(key)
        return file.seen.jpeg or None if file is not None else None

    def path(self, key: str) -> Path:
        """Where an arrived file lies now. Raises RefusedFileError."""
        return self._file(key, "arrived").path

    def forget(self, key: str) -> None:
        """Remove a file, however far it has come; nothing is left of it."""
        with self._lock:
            file = self._files.pop(key, None)
        if file is not None:
            with contextlib.suppress(OSError):
                file.path.unlink()
            if key == self._looked_at:
                self._looked_at = ""
                self._stop()

    def close(self) -> None:
        """Remove all that has no place."""
        for key in list(self._files):
            self.forget(key)

    def _has_place(self, owner: str) -> bool:
        """Whether one more file of this visitor's may come. Those by link have a share each and one together, so that
        none of them takes the places of others, nor all together those of who plays at this machine."""
        every = list(self._files.values())
        linked = [file for file in every if file.owner]
        shares = [(every, limits.UPLOADS_AT_ONCE, limits.UPLOADS_WAITING)]
        if owner:
            shares.append((linked, limits.LINKED_AT_ONCE, limits.LINKED_WAITING))
            own = [file for file in linked if file.owner == owner]
            shares.append((own, limits.EACH_AT_ONCE, limits.EACH_WAITING))
        return all(
            len(files) < waiting and sum(file.state != "arrived" for file in files) < at_once
            for files, at_once, waiting in shares
        )

    def _file(self, key: str, state: str) -> _Waiting:
        file = self._files.get(key)
        if file is None or file.state != state:
            raise RefusedFileError("this file does not wait here any more", hint="Bring it again", status=404)
        return file

    async def _write(self, file: _Waiting, chunks: AsyncIterator[bytes]) -> None:
        written, waiting, waited = 0, bytearray(), 0.0
        budget = self._linked if file.owner else self._here
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            with file.path.open("xb") as target:
                while True:
                    began = time.monotonic()
                    chunk = await self._next(chunks)
                    waited += time.monotonic() - began
                    if chunk is None:
                        break
                    written += len(chunk)
                    if waited > limits.SLOWEST_UPLOAD + written / limits.SLOWEST_BYTES_A_SECOND:
                        raise RefusedFileError("the file comes too slowly", hint="Bring it from nearer", status=408)
                    if written > file.size:
                        raise RefusedFileError("more of the file comes than was said", status=413)
                    self._check_wanted(file)
                    waiting += chunk
                    if len(waiting) >= WRITTEN_AT_ONCE:
                        await asyncio.to_thread(target.write, bytes(waiting))
                        waiting.clear()
                    budget.spend(len(chunk))
                    while budget.is_spent:
                        await asyncio.sleep(PAUSE_SECONDS)
                await asyncio.to_thread(_finish, target, bytes(waiting))
        except OSError as error:
            raise unwritable(f"'{file.upload.name}'", error) from None
        if written < file.size:
            raise RefusedFileError("the file did not come whole", hint="Bring it again")

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next bytes; None after the last."""
        try:
            return await asyncio.wait_for(anext(chunks, None), limits.SLOWEST_UPLOAD)
        except TimeoutError:
            raise RefusedFileError("nothing came of the file for too long", hint="Bring it again", status=408) from None

    async def _check(self, file: _Waiting) -> None:
        asked = LookAtFile(str(file.path), file.upload.kind, PICTURE_HEIGHT)
        async with self._looking:  # one after the other, so that one that is cancelled takes no other along
            self._check_wanted(file)
            self._looked_at = file.upload.id
            try:
                seen = await asyncio.to_thread(self._look, asked)
            finally:
                self._looked_at = ""
        self._check_wanted(file)
        if seen.what:
            # It lies under a name of ours, which means nothing to anybody.
            called = seen.what.replace(file.path.name, file.upload.name)
            raise RefusedFileError(f"'{file.upload.name}' cannot be used: {called}", hint=seen.hint)
        file.seen, file.state, file.since = seen, "arrived", time.monotonic()

    def _check_wanted(self, file: _Waiting) -> None:
        if file.upload.id not in self._files:
            raise RefusedFileError("the file was cancelled", status=409)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for key, file in list(self._files.items()):
            patience = limits.SLOWEST_UPLOAD if file.state == "announced" else limits.UPLOAD_KEPT_SECONDS
            if file.state != "coming" and now - file.since > patience:
                self.forget(key)
        if not self._has_tidied:
            self._has_tidied = True
            with contextlib.suppress(OSError):
                for left in _folder().iterdir():
                    if time.time() - left.stat().st_mtime > STALE_SECONDS:
                        left.unlink()


def _finish(target: BinaryIO, data: bytes) -> None:
    target.write(data)
    target.flush()
    os.fsync(target.fileno())


def _folder() -> Path:
    return cache_folder() / "brought"
