"""Small pictures of what the library has: made one at a time, only while somebody looks, and kept in our cache."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

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


class LibraryPictures:
    """look: says what is in a file, and may raise GanzfeldError. Any thread may call."""

    def __init__(self, look: Callable[[LookAtFile], SeenFile]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._waiting: list[tuple[str, Found]] = []
        self._there: set[str] = set()
        self._hopeless: set[str] = set()
        self._at = 0.0
        self._thread: threading.Thread | None = None
        self._closed = False

    def get(self, key: str) -> bytes | None:
        """A picture as JPEG; None if there is none."""
        if not _KEY.fullmatch(key):
            return None
        with contextlib.suppress(OSError):
            return read_plain(_file(key), LARGEST)
        with self._lock:
            self._there.discard(key)
        return None

    def state(self, each: Found) -> tuple[str, bool]:
        """The key of an item's picture, "" if there will be none; whether there is one."""
        if each.item.kind == "song":
            return "", False
        key = key_of(each)
        with self._lock:
            if key in self._hopeless:
                return "", False
            if key in self._there:
                return key, True
        if _file(key).is_file():
            with self._lock:
                self._there.add(key)
            return key, True
        return key, False

    def want(self, items: Sequence[Found]) -> int:
        """Somebody looks at these: make the pictures that are not there, in this order. How many that are."""
        missing = [(key, each) for each in items for key, there in (self.state(each),) if key and not there]
        with self._lock:
            self._waiting, self._at = missing, time.monotonic()
            if missing and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="studio library", daemon=True)
                self._thread.start()
        return len(missing)

    def wait(self, key: str, timeout: float) -> bool:
        """Wait until this picture is there, or there will be none; False if neither comes in time."""
        with self._news:
            return self._news.wait_for(lambda: key in self._there or key in self._hopeless, timeout)

    def keep(self, each: Found, jpeg: bytes) -> None:
        """This is its picture: it was made when the file was brought."""
        if jpeg:
            self._put(key_of(each), jpeg)

    def close(self) -> None:
        """Make no more. What is being made is for `look` to break off."""
        with self._lock:
            self._closed, self._waiting, thread = True, [], self._thread
        if thread is not None:
            thread.join(5)

    def _work(self) -> None:
        _tidy()
        while True:
            with self._lock:
                if self._closed or not self._waiting or time.monotonic() - self._at > LOOKED_AT_SECONDS:
                    self._thread = None
                    return
                key, each = self._waiting.pop(0)
            made = b""
            try:
                if each.picture is not None:
                    made = read_plain(each.picture, LARGEST)
                else:
                    seen = self._look(LookAtFile(str(each.path), each.item.kind, HEIGHT))
                    made = seen.jpeg
            except (GanzfeldError, OSError):
                pass  # its place stays without a picture; using it says why
            self._put(key, made)

    def _put(self, key: str, jpeg: bytes) -> None:
        is_kept = False
        if 0 < len(jpeg) <= LARGEST:
            with contextlib.suppress(OSError):
                _file(key).parent.mkdir(parents=True, exist_ok=True)
                write_whole(_file(key), jpeg)
                is_kept = True
        with self._news:
            (self._there if is_kept else self._hopeless).add(key)
            self._news.notify_all()


def key_of(each: Found) -> str:
    """Another one whenever the file changes."""
    said = f"{each.path}\0{each.version}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=12).hexdigest()


def _file(key: str) -> Path:
    return cache_folder() / "library" / f"{key}.jpg"


def _tidy() -> None:
    """Remove the oldest pictures where there are too many, and what a process left behind that was ended."""
    with contextlib.suppress(OSError):
        kept = [path for path in _file("").parent.iterdir() if path.suffix == ".jpg"]
        if len(kept) > MOST_KEPT:
            for path in sorted(kept, key=lambda path: path.stat().st_mtime)[: len(kept) - MOST_KEPT]:
                path.unlink()
        for left in _file("").parent.glob("looking-*"):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
