"""Small pictures of what the library has: made one at a time, only while somebody looks, and kept in our cache."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ganzfeld.atomic_write import write_whole
from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import cache_folder
from ganzfeld.plain_file import read_plain
from ganzfeld.studio.library.listing import Found
from ganzfeld.studio.library.questions import LookAtFile, SeenFile

HEIGHT = 180
LARGEST = 256 << 10
MOST_KEPT = 4000
"""Pictures in the cache; the oldest go first."""
LOOKED_AT_SECONDS = 10.0
"""So long after somebody has asked for the library its pictures are made."""
STALE_SECONDS = 3600.0
_KEY = re.compile(r"[0-9a-f]{24}")


class KeptPicture(msgspec.Struct, frozen=True):
    """What was seen of a file: its picture as JPEG, b"" if it has none, and what it is, in words."""

    jpeg: bytes = b""
    about: str = ""


_decode = msgspec.msgpack.Decoder(KeptPicture).decode


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an item. key: its picture's, "" if there will be none."""

    key: str = ""
    has_picture: bool = False
    about: str = ""


class LibraryPictures:
    """look: says what is in a file, and may raise GanzfeldError. Any thread may call."""

    def __init__(self, look: Callable[[LookAtFile], SeenFile]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Found]] = []
        self._known: dict[str, Known] = {}
        self._at = 0.0
        self._thread: threading.Thread | None = None
        self._closed = False

    def get(self, key: str) -> bytes | None:
        """A picture as JPEG; None if there is none."""
        kept = _read(key) if _KEY.fullmatch(key) else None
        if kept is None:
            with self._lock:
                self._known.pop(key, None)
        return kept.jpeg or None if kept is not None else None

    def state(self, each: Found) -> Known:
        """What is known of an item now."""
        return self._found(key_of(each)) or Known(key_of(each))

    def want(self, items: Sequence[Found]) -> int:
        """Somebody looks at these: make the pictures that are not there, in this order. How many that are."""
        missing = [(key, each) for each in items if self._found(key := key_of(each)) is None]
        with self._lock:
            self._waiting, self._at = missing, time.monotonic()
            if missing and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="studio library", daemon=True)
                self._thread.start()
        return len(missing)

    def keep(self, each: Found, jpeg: bytes, about: str) -> None:
        """This was seen of it when it was brought."""
        self._put(key_of(each), KeptPicture(jpeg, about))

    def close(self) -> None:
        """Make no more. What is being made is for `look` to break off."""
        with self._lock:
            self._closed, self._waiting, thread = True, [], self._thread
        if thread is not None:
            thread.join(5)

    def _found(self, key: str) -> Known | None:
        """What is known, now or in the cache."""
        with self._lock:
            known = self._known.get(key)
        if known is None and (kept := _read(key)) is not None:
            known = self._learn(key, kept)
        return known

    def _learn(self, key: str, kept: KeptPicture) -> Known:
        known = Known(key if kept.jpeg else "", bool(kept.jpeg), kept.about)
        with self._lock:
            self._known[key] = known
        return known

    def _work(self) -> None:
        _tidy()
        while True:
            with self._lock:
                if self._closed or not self._waiting or time.monotonic() - self._at > LOOKED_AT_SECONDS:
                    self._thread = None
                    return
                key, each = self._waiting.pop(0)
            if self._found(key) is not None:  # it was being made when somebody asked again
                continue
            try:
                self._put(key, self._made(each))
            except (GanzfeldError, OSError):
                # It may have been too slow just now. Until the studio ends it is not tried again; using it says why.
                self._learn(key, KeptPicture())

    def _made(self, each: Found) -> KeptPicture:
        if each.picture is not None:
            return KeptPicture(read_plain(each.picture, LARGEST))
        seen = self._look(LookAtFile(str(each.path), each.item.kind, HEIGHT))
        return KeptPicture(seen.jpeg, seen.about)

    def _put(self, key: str, kept: KeptPicture) -> None:
        if len(kept.jpeg) > LARGEST:
            kept = KeptPicture(about=kept.about)
        try:
            _file(key).parent.mkdir(parents=True, exist_ok=True)
            write_whole(_file(key), msgspec.msgpack.encode(kept))
        except OSError:
            kept = KeptPicture(about=kept.about)  # nobody could fetch it
        self._learn(key, kept)


def key_of(each: Found) -> str:
    """Another one whenever the file changes."""
    said = f"{each.path}\0{each.version}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=12).hexdigest()


def _read(key: str) -> KeptPicture | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return _decode(read_plain(_file(key), 2 * LARGEST))
    return None


def _file(key: str) -> Path:
    return cache_folder() / "library" / f"{key}.seen"


def _tidy() -> None:
    """Remove the oldest pictures where there are too many, and what a process left behind that was ended."""
    with contextlib.suppress(OSError):
        kept = [path for path in _file("").parent.iterdir() if path.suffix == ".seen"]
        if len(kept) > MOST_KEPT:
            for path in sorted(kept, key=lambda path: path.stat().st_mtime)[: len(kept) - MOST_KEPT]:
                path.unlink()
        for left in _file("").parent.glob("looking-*"):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
