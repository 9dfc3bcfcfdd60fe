"""What files were when they were played, and whether they are the same now."""

from __future__ import annotations

import functools
import hashlib
import itertools
import queue
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import ganzfeld
from ganzfeld.networks.files.stated import beside
from ganzfeld.networks.find import FOLDER
from ganzfeld.plain_file import version_of
from ganzfeld.takes.records import Fingerprint

_CHUNK = 1 << 20
_REST = 0.002  # after a chunk, so that a film that plays from the same disk is read first
SHIPPED = "shipped:"


class Fingerprints:
    """Takes fingerprints of files on a thread of its own, slowly: a network of a gigabyte must not shake a show."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[tuple[Path, Path] | None] = queue.SimpleQueue()
        self._taken: queue.SimpleQueue[Fingerprint] = queue.SimpleQueue()
        self._asked: set[tuple] = set()
        self._over = False
        self._thread: threading.Thread | None = None

    def want(self, files: Iterable[Path], folder: Path) -> None:
        """Take the fingerprints of these files, and of what is stated beside networks (`networks.files.stated`), unless
        they were taken as they are now."""
        for path in itertools.chain.from_iterable((path, beside(path)) for path in files):
            try:
                facts = path.stat()
            except OSError:
                continue
            key = (path, *version_of(facts))
            if key not in self._asked:
                self._asked.add(key)
                self._wanted.put((path, folder))
        if self._thread is None and self._asked:
            self._thread = threading.Thread(target=self._run, name="ganzfeld-fingerprints", daemon=True)
            self._thread.start()

    def taken(self) -> list[Fingerprint]:
        """Those that are ready since the last call."""
        return [self._taken.get_nowait() for _ in range(self._taken.qsize())]

    def close(self) -> None:
        """Take no more."""
        self._over = True
        self._wanted.put(None)

    def _run(self) -> None:
        while (item := self._wanted.get()) is not None:
            path, folder = item
            digest = fingerprint(path, rest=_REST, go_on=lambda: not self._over)
            if digest is not None:
                self._taken.put(Fingerprint(portable_name(path, folder), digest))


def fingerprint(path: Path, *, rest: float = 0.0, go_on=lambda: True) -> str | None:
    """The SHA-256 of a file, in hex; None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if not go_on():
                    return None
                digest.update(chunk)
                if rest:
                    time.sleep(rest)
    except OSError:
        return None
    return digest.hexdigest()


@functools.cache
def code_fingerprint() -> str:
    """Of Ganzfeld's own code that makes pictures, in hex: while it is worked on, a version has many."""
    root = Path(ganzfeld.__file__).parent
    digest = hashlib.sha256()
    for room in ("kernels", "networks", "bending", "values", "patch", "engine"):
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".py", ".cu", ".cuh") and path.is_file():
                digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def portable_name(path: Path, folder: Path) -> str:
    """A file's name on any machine: from the patch's folder, or "shipped:…"; absolute if it is elsewhere."""
    path, folder = path.absolute(), folder.absolute()
    if path.is_relative_to(FOLDER):
        return SHIPPED + path.relative_to(FOLDER).as_posix()
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return str(path)


def find(name: str, folder: Path) -> Path:
    """Where a file of that name is here."""
    if name.startswith(SHIPPED):
        return FOLDER / name.removeprefix(SHIPPED)
    return folder / name


def differing(fingerprints: Iterable[Fingerprint], folder: Path) -> list[str]:
    """Sentences about files that are not here, or not the same. Of a file that changed while the show ran, all its
    fingerprints are known; what is here now should be the last."""
    last = {entry.name: entry.sha256 for entry in fingerprints}
    changed = {entry.name for entry in fingerprints if entry.sha256 != last[entry.name]}
    said = []
    for name, sha256 in last.items():
        path = find(name, folder)
        if not path.is_file():
            said.append(f"{name} is not here")
        elif fingerprint(path) != sha256:
            said.append(f"{name} is not the same file as then")
        elif name in changed:
            said.append(f"{name} changed during the take, and only its last state is here")
        if (facts := beside(path)).is_file() and portable_name(facts, folder) not in last:
            said.append(f"{facts.name} was not beside {path.name} then")
    return said
