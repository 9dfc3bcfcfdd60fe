"""The directory of a zip archive, read without unpacking anything.

torch.save stores its entries as they are, so every entry is a view into the file and a zip bomb has nothing to
unfold. Declared sizes and places are compared with the file; anything compressed or encrypted is refused.

Source: PKWARE's APPNOTE.TXT (end record 4.3.16, ZIP64 4.3.14-15 and 4.5.3, directory 4.3.12, local header 4.3.7).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.containers import a_network_is
from ganzfeld.networks.files.values import Budget, refuse_damaged

MAX_ENTRIES = 50_000
MAX_DIRECTORY = 16_000_000

_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive. `start` is where its local header lies."""

    name: str
    start: int
    size: int
    packed: int
    method: int
    flags: int

    def contents(self, data: memoryview) -> memoryview:
        """The bytes, as a view into the archive."""
        if self.flags & 1:
            raise NetworkFileError(f"the archive's '{self.name[-60:]}' is encrypted", hint="Unpack it first.")
        if self.method != 0 or self.packed != self.size:
            raise NetworkFileError(
                f"the archive's '{self.name[-60:]}' is compressed ({self.packed:,} bytes for {self.size:,}), "
                "and torch.save never compresses",
                hint="If somebody zipped a network, unpack it and open what is inside; else it may be a zip bomb.",
            )
        if self.start + _LOCAL.size > len(data):
            raise refuse_damaged(f"the archive's '{self.name[-60:]}' lies outside the file")
        magic, *_, name_length, extra_length = _LOCAL.unpack(data[self.start : self.start + _LOCAL.size])
        begin = self.start + _LOCAL.size + name_length + extra_length
        if magic != b"PK\x03\x04" or begin + self.size > len(data):
            raise refuse_damaged(
                f"the archive declares {self.size:,} bytes for '{self.name[-60:]}' that the file does not hold"
            )
        return data[begin : begin + self.size]


def directory(data: memoryview, budget: Budget) -> dict[str, Entry]:
    """The entries by name, in order. Raises NetworkFileError."""
    budget.charge(min(len(data), 0xFFFF))
    count, length, start = _end_record(data)
    if count > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise NetworkFileError(
            f"the file is a zip archive that declares {count:,} entries",
            hint=f"No network has that many: it may be a zip bomb. {a_network_is()}",
        )
    if start + length > len(data):
        raise refuse_damaged("the archive's directory lies outside the file")
    budget.charge(100 * count)
    table = data[start : start + length]
    entries: dict[str, Entry] = {}
    position = 0
    for _ in range(count):
        if position + _ENTRY.size > length:
            raise refuse_damaged(f"the archive declares {count:,} entries, but lists only {len(entries):,}")
        fields = _ENTRY.unpack(table[position : position + _ENTRY.size])
        magic, flags, method, packed, size = fields[0], fields[3], fields[4], fields[8], fields[9]
        name_length, extra_length, comment_length, begin = fields[10], fields[11], fields[12], fields[16]
        if magic != b"PK\x01\x02":
            raise refuse_damaged("the archive's directory is damaged")
        position += _ENTRY.size
        name = str(table[position : position + name_length], "utf-8", "backslashreplace")
        extra = bytes(table[position + name_length : position + name_length + extra_length])
        size, packed, begin = _wide(extra, size, packed, begin)
        entries[name] = Entry(name, begin, size, packed, method, flags)
        position += name_length + extra_length + comment_length
    return entries


def _end_record(data: memoryview) -> tuple[int, int, int]:
    """(number of entries, bytes of the directory, where it starts)."""
    tail_start = max(0, len(data) - _END.size - 0xFFFF)
    found = bytes(data[tail_start:]).rfind(b"PK\x05\x06")
    end = tail_start + found
    if found < 0 or end + _END.size > len(data):
        raise refuse_damaged("the file begins as a zip archive (torch.save writes such), but its end is missing")
    *_, count, length, start, _comment = _END.unpack(data[end : end + _END.size])
    locator = end - _END64_LOCATOR.size
    if locator >= 0 and bytes(data[locator : locator + 4]) == b"PK\x06\x07":
        place = _END64_LOCATOR.unpack(data[locator:end])[2]
        if place + _END64.size > len(data) or bytes(data[place : place + 4]) != b"PK\x06\x06":
            raise refuse_damaged("the archive's directory is damaged")
        *_, count, length, start = _END64.unpack(data[place : place + _END64.size])
    return count, length, start


def _wide(extra: bytes, size: int, packed: int, begin: int) -> tuple[int, int, int]:
    """Sizes and place with the 64-bit values of the extra field where the 32-bit ones are full."""
    position = 0
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if tag == 1:
            values = list(struct.unpack_from(f"<{min(length, len(extra) - position) // 8}Q", extra, position))
            if size == 0xFFFFFFFF and values:
                size = values.pop(0)
            if packed == 0xFFFFFFFF and values:
                packed = values.pop(0)
            if begin == 0xFFFFFFFF and values:
                begin = values.pop(0)
        position += length
    return size, packed, begin
