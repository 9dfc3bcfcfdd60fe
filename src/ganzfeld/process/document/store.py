"""What is written down of a document, so that nothing typed is lost when the process is killed or the power fails.

Two files in the cache folder: the whole document, written anew about once a second while it changes, and a journal of
every change since, which is in the system's hands before any writer is told of the change. A killed process therefore
loses nothing. After a power failure the journal may lack the last second; then the log gets another id, because pages
may know more than what was written down.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from functools import cache
from pathlib import Path

import msgspec

from ganzfeld.atomic_write import write_whole
from ganzfeld.file_lock import locked
from ganzfeld.folders import cache_folder
from ganzfeld.plain_file import read_plain
from ganzfeld.values.document import Disagreement, Update

log = logging.getLogger(__name__)

FORMAT = 1
MOST_BYTES = 64 << 20
LONGEST_JOURNAL = 1 << 20
"""Bytes after which the journal is begun anew, as soon as the whole document is written down."""
MOST_DOCUMENTS = 500
_LENGTH = struct.Struct("<I")


class StoredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """log, version, text: the newest there is; updates: the last ones that led there. played: the text that plays.
    disk: what the file held when it was read or written last; for a document without a file the text that it
    began with. ended: the show was ended by its person, and did not just stop. boot: of the machine."""

    log: str
    version: int
    text: str
    updates: tuple[Update, ...] = ()
    played: str = ""
    disk: str = ""
    disagreements: tuple[Disagreement, ...] = ()
    ended: bool = False
    boot: str = ""
    format: int = FORMAT


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    log: str
    version: int
    update: Update


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredDocument).decode
_decode_entry = msgspec.msgpack.Decoder(_Entry).decode


class DocumentStore:
    """Of one document. what: the path of its file, or a name. One process at a time writes; for others there is none.

    works: whether anything is written down.
    """

    def __init__(self, what: str) -> None:
        folder = cache_folder().absolute() / "documents"
        stem = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:20]
        self._whole, self._journal = folder / f"{stem}.document", folder / f"{stem}.changes"
        self._file: int | None = None
        self._length = 0

    @property
    def works(self) -> bool:
        return self._file is not None

    def open(self) -> tuple[StoredDocument, list[Update]] | None:
        """What was written down, and the changes since, in order; None for nothing. A file that makes no sense counts
        as none."""
        try:
            self._whole.parent.mkdir(parents=True, exist_ok=True)
            _tidy(self._whole.parent)
            self._file = os.open(
                self._journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600
            )
            if not locked(self._file):
                log.info("another show has this document; what is typed here is not written down before it is saved")
                self.close()
                return None
            return self._read()
        except OSError as error:
            log.warning("what is typed cannot be written down: %s", error)
            self.close()
            return None

    def _read(self) -> tuple[StoredDocument, list[Update]] | None:
        try:
            stored = _decode(read_plain(self._whole, MOST_BYTES))
            journal = read_plain(self._journal, MOST_BYTES)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError) as error:
            log.warning("the document that was written down cannot be read: %s", error)
            return None
        if stored.format != FORMAT:
            return None
        updates, self._length = _since(stored, journal)
        if self._file is not None and self._length < len(journal):
            os.ftruncate(self._file, self._length)  # what is written behind it would not be found
        return stored, updates

    def append(self, log_id: str, version: int, update: Update) -> bool:
        """Write down what changed after a version. Whether it was done."""
        if self._file is None:
            return True
        data = _encode(_Entry(log_id, version, update))
        try:
            whole = os.write(self._file, _LENGTH.pack(len(data)) + data) == _LENGTH.size + len(data)
        except OSError as error:
            log.warning("what is typed cannot be written down: %s", error)
            whole = False
        if not whole:
            self.close()
        self._length += _LENGTH.size + len(data)
        return whole

    def write(self, stored: StoredDocument) -> bool:
        """Write down the whole. Whether it was done. To be called by one thread."""
        if self._file is None:
            return True
        try:
            write_whole(self._whole, _encode(stored))
        except OSError as error:
            log.warning("the document cannot be written down: %s", error)
            return False
        return True

    @property
    def is_long(self) -> bool:
        """Whether the journal should be begun anew."""
        return self._length > LONGEST_JOURNAL

    def begin_journal(self) -> None:
        """Forget the journal: what is in it has been written down with the whole."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            self._length = 0

    def close(self, *, forget: bool = False) -> None:
        """Write no more. forget: nor keep what was written."""
        if self._file is None:
            return
        if forget:
            self._whole.unlink(missing_ok=True)
            os.ftruncate(self._file, 0)
        os.close(self._file)
        self._file = None


@cache
def boot_id() -> str:
    """Names the time since the machine was started, "" where nothing tells it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _since(stored: StoredDocument, journal: bytes) -> tuple[list[Update], int]:
    """The updates in the journal that go on from there, up to the first that was not written to its end; and where that
    begins."""
    found: list[Update] = []
    at = 0
    while (begin := at + _LENGTH.size) <= len(journal):
        (length,) = _LENGTH.unpack_from(journal, at)
        try:
            entry = _decode_entry(journal[begin : begin + length])
        except (msgspec.DecodeError, ValueError):
            break
        at = begin + length
        if entry.log == stored.log and entry.version == stored.version + len(found):
            found.append(entry.update)
    return found, at


def _tidy(folder: Path) -> None:
    """Let the oldest go where there are too many."""
    known = sorted(folder.glob("*.document"), key=lambda path: path.stat().st_mtime)
    for path in known[:-MOST_DOCUMENTS]:
        path.unlink(missing_ok=True)
        path.with_suffix(".changes").unlink(missing_ok=True)
