"""Small pictures of snapshots: what the show looked like when each was stored, or when it had arrived again.

A picture belongs to the name and the values of a snapshot (`SnapshotOnDesk.key`), so it stays when the snapshot is
moved, deleted and had back, and goes when other values are stored under its name. A rename takes it along. They are
kept in Ganzfeld's cache, a file for each patch: they can be made again by recalling.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ganzfeld.atomic_write import write_whole
from ganzfeld.folders import cache_folder
from ganzfeld.plain_file import read_plain
from ganzfeld.studio import picture
from ganzfeld.studio.show import StudioShow
from ganzfeld.values.desk import Desk, SnapshotOnDesk

log = logging.getLogger(__name__)

HEIGHT = 120
MOST_PIXELS_WIDE = 4 * HEIGHT
"""Of a wall's picture, more would be a stripe; it is shown cut anyway."""
LARGEST = 64 << 10
MOST = 600
"""Pictures of one patch; those that no snapshot has go first."""
MOST_BYTES = MOST * LARGEST
_KEY = re.compile(r"[0-9a-f]{16}")
_decode = msgspec.msgpack.Decoder(dict[str, bytes]).decode


class Thumbnails:
    """The pictures of one show's snapshots. `look` is called by one thread, `get` and `marked` by any."""

    def __init__(self, show: StudioShow) -> None:
        self._show = show
        self._pictures: dict[str, bytes] = {}
        self._file: Path | None = None
        self._arrived: str | None = None
        self._known: tuple[SnapshotOnDesk, ...] | None = None
        self._due: str | None = None
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """A picture as JPEG, by its key."""
        with self._lock:
            return self._pictures.get(key)

    def marked(self, desk: Desk) -> Desk:
        """The desk with a word at each snapshot that has a picture."""
        replace = msgspec.structs.replace
        with self._lock:
            known = self._pictures.keys()
            return replace(
                desk,
                snapshots=tuple(replace(each, has_picture=each.key in known) for each in desk.snapshots),
                bin=tuple(replace(each, has_picture=each.key in known) for each in desk.bin),
            )

    def look(self) -> None:
        """Several times a second: take the picture of a snapshot that has just been stored, or has just arrived."""
        self._follow_file()
        desk = self._show.desk()
        if self._due is not None:
            self._take(self._due, desk)
            self._due = None
        known, self._known = self._known, desk.snapshots
        if known is not None and known != desk.snapshots:
            self._follow_rename(known, desk.snapshots)
        arrived = _arrived(desk)
        if arrived != self._arrived:
            self._arrived = arrived
            if arrived is not None and self.get(arrived) is None:
                if known is not None and arrived not in {each.key for each in known}:
                    self._take(arrived, desk)  # stored just now: it is what is shown
                else:
                    self._due = arrived  # recalled: the picture that shows it may be the next one

    def _follow_rename(self, before: Sequence[SnapshotOnDesk], after: Sequence[SnapshotOnDesk]) -> None:
        """One that has another name in the same place, while all others are as they were, was renamed."""
        changed = [(one, other) for one, other in zip(before, after) if one.key != other.key]
        if len(before) == len(after) and len(changed) == 1 and changed[0][0].name != changed[0][1].name:
            with self._lock:
                if (picture := self._pictures.get(changed[0][0].key)) is not None:
                    self._pictures[changed[0][1].key] = picture

    def _take(self, key: str, desk: Desk) -> None:
        frame = self._show.latest(-1)
        if frame is None or _arrived(desk) != key:
            return
        height, width = frame.image.shape[:2]
        left = max(0, width - round(height * MOST_PIXELS_WIDE / HEIGHT)) // 2
        made = picture.pair(frame.image[:, left : width - left], HEIGHT).jpeg
        if len(made) > LARGEST:
            return
        with self._lock:
            self._pictures[key] = made
            wanted = {each.key for each in (*desk.snapshots, *desk.bin)}
            for old in [each for each in self._pictures if each not in wanted][: max(0, len(self._pictures) - MOST)]:
                del self._pictures[old]
            kept = dict(self._pictures)
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._file, msgspec.msgpack.encode(kept))
            except OSError as error:
                log.info("the pictures of snapshots could not be kept: %s", error)

    def _follow_file(self) -> None:
        """The patch may get another file; its pictures are read when it is first seen."""
        patch = self._show.patch_file
        file = _file_of(patch) if patch is not None else None
        if file == self._file:
            return
        self._file = file
        read: dict[str, bytes] = {}
        if file is not None:
            with contextlib.suppress(OSError, ValueError, RecursionError):
                read = _decode(read_plain(file, MOST_BYTES))
        good = {key: data for key, data in read.items() if _KEY.fullmatch(key) and data[:2] == b"\xff\xd8"}
        with self._lock:
            self._pictures = {**dict(list(good.items())[:MOST]), **self._pictures}


def _arrived(desk: Desk) -> str | None:
    """The key of the snapshot that is shown alone, and has faded in."""
    if len(desk.shown) != 1 or desk.share < 1:
        return None
    return next((each.key or None for each in desk.snapshots if each.name == desk.shown[0]), None)


def _file_of(patch: Path) -> Path:
    name = hashlib.blake2b(str(patch).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return cache_folder() / "thumbnails" / f"{name}.msgpack"
