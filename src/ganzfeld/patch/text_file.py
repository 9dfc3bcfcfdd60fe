"""The file of a patch or a script, read as text. What is wrong with it is said in the same words everywhere."""

from __future__ import annotations

import errno
from pathlib import Path

from ganzfeld.errors import PatchError
from ganzfeld.plain_file import read_plain

LONGEST_TEXT = 1 << 20
"""Bytes of the longest text that is read."""
_MARKS = {b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_text_file(path: Path) -> str:
    """The text of a file. Never waits for a pipe or a device. Raises PatchError."""
    try:
        data = read_plain(path, LONGEST_TEXT)
    except FileNotFoundError:
        hint = "Check the path; `ganzfeld play` alone plays a shipped network"
        raise PatchError(f"there is no file {path}", hint=hint) from None
    except IsADirectoryError:
        raise PatchError(f"{path.name} is a folder", hint="Name a file in it") from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            what = f"{path.name} has more than {LONGEST_TEXT >> 20} MB, which no text of a patch has"
            raise PatchError(what) from None
        raise PatchError(f"{path.name} cannot be read: {error.strerror or error}") from None
    return decoded(data, path.name)


def decoded(data: bytes, name: str) -> str:
    """The text of bytes, which are UTF-8. Raises PatchError with what they seem to be, and the way out."""
    way_out = "Save it as UTF-8: editors offer that under 'Save with encoding'"
    mark = next((known for known in _MARKS if data.startswith(known)), None)
    if mark is not None or data[:200].count(0) > 2:
        kind = _MARKS.get(mark or b"", "UTF-16")
        if mark is None and not _is_wide(data):
            raise PatchError(f"{name} is no text", hint="A network file is played with: ganzfeld play --network FILE")
        raise PatchError(f"{name} is text in {kind}, and not in UTF-8", hint=way_out)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"{name} is not UTF-8 text: line {line} holds a letter in another encoding (Latin-1 or Windows-1252?)"
        raise PatchError(what, hint=way_out) from None


def _is_wide(data: bytes) -> bool:
    """Whether every second byte of the beginning is 0, as in Western text in UTF-16 without a mark."""
    begin = data[:200]
    return min(begin[0::2].count(0), begin[1::2].count(0)) == 0 and max(
        begin[0::2].count(0), begin[1::2].count(0)
    ) >= 0.8 * (len(begin) // 2)
