"""A take's file: a line that says what it is, then records, each with its length and checksum.

It is only ever appended to. Whatever moment a kill, a crash or a full disk comes at, everything before the record that
was being written is whole, and the rest is recognised as torn.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ganzfeld.atomic_write import place_to_write
from ganzfeld.errors import GanzfeldError, Where, reason_of
from ganzfeld.plain_file import check_plain
from ganzfeld.takes.records import Record, decode, encode

SUFFIX = ".ganztake"
MAGIC = b"Ganzfeld take\r\n\x1a\n"  # the line ends are those that careless copying would change
_FRAME = struct.Struct("<II")  # length of the record, its CRC-32
MOST_BYTES = 1 << 30
"""Of one record: longer ones are a length that was torn."""


class TakeWriter:
    """Appends records. Raises OSError; then nothing of the record counts, and `append` may be tried again."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it. What was torn by a writer that was killed is cut off."""
        self.path = path
        self._file = place_to_write(path).open("r+b" if path.exists() else "x+b", buffering=0)
        try:
            if not _is_ours(self._file):
                raise FileExistsError("another show writes this take")
            self._end = whole_length(self._file)
            self._file.truncate(self._end)
            self._file.seek(self._end)
            if self._end == 0:
                self._write(MAGIC)
        except BaseException:
            self._file.close()
            raise

    @property
    def is_new(self) -> bool:
        """Whether it holds no record yet."""
        return self._end == len(MAGIC)

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed the file: what is appended is lost then."""
        return os.fstat(self._file.fileno()).st_nlink == 0

    @property
    def bytes(self) -> int:
        """How long the file is."""
        return self._end

    def append(self, *records: Record) -> None:
        """Write records in one go."""
        data = bytearray()
        for record in records:
            body = encode(record)
            data += _FRAME.pack(len(body), zlib.crc32(body)) + body
        self._write(data)

    def _write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            # A disk that is full takes a part: as if it had taken none.
            self._file.seek(self._end)
            self._file.truncate(self._end)
            raise
        self._end += len(data)

    def sync(self) -> None:
        """Have the system write it to the disk, for the case that the machine loses its power."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _is_ours(file: BinaryIO) -> bool:
    """Whether no other process writes this file: two shows that begin a take at once may choose the same name."""
    if os.name == "nt":
        return True
    import fcntl

    try:
        # Of the process, and not of the file as it is open: a copy of the process that a script makes has it not.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN)  # some disks have no locks
    return True


def read_records(path: Path) -> tuple[list[Record], int]:
    """All whole records, and how many bytes after them are torn. Raises GanzfeldError if it is no take."""
    try:
        check_plain(path)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            records: list[Record] = []
            end = 0
            for reached, body in _bodies(file):
                end = reached
                record = decode(body) if body else None
                if record is not None:
                    records.append(record)
    except FileNotFoundError:
        raise GanzfeldError(f"there is no take {path}", hint="Check the path") from None
    except OSError as error:
        raise GanzfeldError(f"{path} cannot be read: {reason_of(error)}") from None
    except msgspec.DecodeError as error:
        raise GanzfeldError(f"the take holds something that makes no sense: {error}", where=Where(str(path))) from None
    if end == 0:
        hint = "Takes are made by: ganzfeld play PATCH --take night.ganztake"
        raise GanzfeldError(f"{path.name} is not a take", where=Where(str(path)), hint=hint)
    return records, size - end


def whole_length(file: BinaryIO) -> int:
    """How many bytes from the beginning are whole; 0 if not even the first line is. Raises OSError for a file that is
    something else."""
    file.seek(0)
    start = file.read(len(MAGIC))
    if not MAGIC.startswith(start):
        raise FileExistsError("the file is not a take")
    file.seek(0)
    return max((end for end, _ in _bodies(file)), default=0)


def _bodies(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Where each whole record ends, and what it says; first where they begin, with nothing."""
    if file.read(len(MAGIC)) != MAGIC:
        return
    end = len(MAGIC)
    yield end, b""
    while True:
        frame = file.read(_FRAME.size)
        if len(frame) < _FRAME.size:
            return
        length, checksum = _FRAME.unpack(frame)
        if length > MOST_BYTES:
            return
        body = file.read(length)
        if len(body) < length or zlib.crc32(body) != checksum:
            return
        end += _FRAME.size + length
        yield end, body
