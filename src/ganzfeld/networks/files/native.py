"""Our own file: safetensors with the network's configuration as JSON in its metadata.

Layout of safetensors: 8 bytes little-endian length, a JSON header of that length, the numbers. Our metadata lies
under the key "ganzfeld": {"version", "config", "origin", "notes", "warnings", "crc32"}, the last of the numbers as they
lie in the file. Written here tensor by tensor, so that converting costs no second copy of a network in memory; read by
the safetensors library once the header has been checked.

Source: the format's description in the safetensors project's README.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ganzfeld.atomic_write import place_to_write
from ganzfeld.errors import NetworkFileError, reason_of
from ganzfeld.networks.config import Config
from ganzfeld.networks.files.layout import described

if TYPE_CHECKING:
    import torch

VERSION = 1
"""Of our metadata. Higher numbers are refused with a word on updating."""
KEY = "ganzfeld"
MAX_HEADER = 2_000_000
MAX_NAME = 200
MAX_TENSORS = 20_000
MAX_TEXT = 1000
MAX_TEXTS = 50

_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
          "I8": 1, "U8": 1, "BOOL": 1}  # fmt: skip
_OURS = ("F32", "F16")

_TRUNCATED = "Its download or copy broke off: get it again."
_NOT_OURS = "Ganzfeld's own files come from 'ganzfeld convert': convert the network's .pkl or .pt."


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where a tensor lies; `begin` and `end` count from the start of the numbers."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class About:
    """What a file tells people. origin: the program that made the network. notes: remarks on it; warnings: those that
    say that its picture may be wrong."""

    origin: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """What a file of ours says about itself, checked."""

    config: Config
    tensors: Mapping[str, TensorEntry]
    start: int
    """Where the numbers start."""
    about: About = field(default_factory=About)
    crc32: int | None = None


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file that begins so is a safetensors file (its header's length fits in four bytes)."""
    return len(head) > 8 and head[4:8] == b"\0\0\0\0" and head[8:9] == b"{"


def is_ours(file: BinaryIO, size: int) -> bool:
    """Whether a safetensors file of `size` bytes, open at its start, is one of ours. Raises NetworkFileError where it
    is damaged."""
    metadata, _, _ = read_entries(file, size)
    return isinstance(metadata.get(KEY), str)


def read_entries(file: BinaryIO, size: int) -> tuple[Mapping[str, Any], dict[str, TensorEntry], int]:
    """(metadata, tensors, where the numbers start) of any safetensors file, open at its start. Raises
    NetworkFileError."""
    (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
    if length > MAX_HEADER or length > size - 8:
        raise NetworkFileError(
            f"the file declares a header of {length:,} bytes, but holds {max(size - 8, 0):,} more", hint=_TRUNCATED
        )
    words = _json(file.read(length), "header")
    metadata = words.pop("__metadata__", None)
    return metadata if isinstance(metadata, dict) else {}, _tensors(words, size - 8 - length), 8 + length


def read_header(file: BinaryIO, size: int) -> Header:
    """Check the header of a file of ours of `size` bytes, open at its start. Raises NetworkFileError."""
    metadata, tensors, start = read_entries(file, size)
    ours = metadata.get(KEY)
    if not isinstance(ours, str):
        raise NetworkFileError("the file is a safetensors file of something else", hint=_NOT_OURS)
    facts = _json(ours, "metadata")
    if facts.get("version") != VERSION:
        raise NetworkFileError(
            f"the file is of version {str(facts.get('version'))[:20]} of Ganzfeld's format, "
            f"and this Ganzfeld reads version {VERSION}",
            hint="Update Ganzfeld, or convert the original again.",
        )
    for name, entry in tensors.items():
        if entry.dtype not in _OURS:
            raise NetworkFileError(f"the tensor '{name}' is of the type {entry.dtype}, not F32 or F16", hint=_NOT_OURS)
    config, crc32 = facts.get("config"), facts.get("crc32")
    if not isinstance(config, dict):
        raise NetworkFileError("the file has no configuration in it", hint=_NOT_OURS)
    return Header(
        config=described(config, tensors),
        tensors=tensors,
        start=start,
        about=About(str(facts.get("origin", ""))[:MAX_TEXT], _texts(facts.get("notes")), _texts(facts.get("warnings"))),
        crc32=crc32 if type(crc32) is int else None,
    )


def _texts(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else []
    return tuple(text[:MAX_TEXT] for text in texts[:MAX_TEXTS] if isinstance(text, str))


def _json(text: bytes | str, what: str) -> dict[str, Any]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, dict):
        raise NetworkFileError(f"the file's {what} is not the JSON that it should be", hint=_TRUNCATED)
    return words


def _tensors(words: Mapping[str, Any], size: int) -> dict[str, TensorEntry]:
    """The header's entries, checked: they must cover the `size` bytes of numbers exactly, as the format demands."""
    tensors = {name: _entry(name, words_of) for name, words_of in words.items()}
    if len(tensors) > MAX_TENSORS:
        raise NetworkFileError(f"the file lists {len(tensors):,} tensors, more than any network has", hint=_NOT_OURS)
    place = 0
    for entry in sorted(tensors.values(), key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != place:
            raise NetworkFileError("the file's tensors overlap or leave holes", hint=_TRUNCATED)
        place = entry.end
    if place != size:
        raise NetworkFileError(f"the file declares {place:,} bytes of numbers, but holds {size:,}", hint=_TRUNCATED)
    return tensors


def _entry(name: str, words: Any) -> TensorEntry:
    with suppress(KeyError, TypeError, ValueError):
        dtype, shape, (begin, end) = words["dtype"], words["shape"], words["data_offsets"]
        whole = all(type(number) is int and 0 <= number < 2**48 for number in (*shape, begin, end))
        if whole and len(shape) <= 8 and len(name) <= MAX_NAME and end - begin == math.prod(shape) * _BYTES[dtype]:
            return TensorEntry(dtype, tuple(shape), begin, end)
    raise NetworkFileError(f"the file's entry for '{name[:60]}' contradicts itself", hint=_TRUNCATED)


def checksum(file: BinaryIO, start: int) -> int:
    """CRC-32 of the file from `start` to its end."""
    file.seek(start)
    crc = 0
    while chunk := file.read(1 << 20):
        crc = zlib.crc32(chunk, crc)
    return crc


def copy(file: BinaryIO, kept: Path, sha256: str) -> None:
    """Write the file's content to `kept`, whole or not at all. Raises NetworkFileError, also where the content is not
    what has this SHA-256: somebody is just changing it."""
    file.seek(0)
    digest = hashlib.sha256()
    with written_whole(kept) as target:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
            target.write(chunk)
        _check(digest.hexdigest(), sha256)


def read_tensors(file: BinaryIO, header: Header, sha256: str) -> dict[str, torch.Tensor]:
    """The file's tensors, read into memory. Raises NetworkFileError as `copy`."""
    import torch

    file.seek(0)
    try:
        data = bytearray(file.read())
    except MemoryError:
        raise NetworkFileError(
            "there is too little memory to read it", hint="Make room on the disk of the cache"
        ) from None
    _check(hashlib.sha256(data).hexdigest(), sha256)
    kinds = {"F32": torch.float32, "F16": torch.float16}
    return {
        name: torch.frombuffer(
            data, dtype=kinds[entry.dtype], count=math.prod(entry.shape), offset=header.start + entry.begin
        ).reshape(entry.shape)
        if entry.end > entry.begin
        else torch.zeros(entry.shape, dtype=kinds[entry.dtype])
        for name, entry in header.tensors.items()
    }


def _check(found: str, expected: str) -> None:
    if found != expected:
        raise NetworkFileError("the file changed while it was opened", hint="Try again when it is whole.")


@dataclass(frozen=True)
class Numbers:
    """A tensor to be written: F32 or F16, its shape and its bytes in row-major order."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview

    @classmethod
    def of(cls, array: np.ndarray) -> Numbers:
        """The numbers of a float32 or float16 array; copied only where they do not lie densely."""
        bits = array.dtype.itemsize * 8
        dense = np.ascontiguousarray(array, dtype=f"<f{bits // 8}")
        return cls(f"F{bits}", array.shape, dense.reshape(-1).view(np.uint8).data)


def write(path: Path, config: Mapping[str, Any], tensors: Mapping[str, Numbers], about: About) -> None:
    """Write a file of ours whole or not at all: beside `path` first, then renamed. Raises NetworkFileError."""
    order = sorted(tensors, key=lambda name: (-_BYTES[tensors[name].dtype], name))  # as the library orders, to align
    header: dict[str, Any] = {}
    place = crc = 0
    for name in order:
        tensor = tensors[name]
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [place, place + tensor.data.nbytes],
        }
        place += tensor.data.nbytes
        crc = zlib.crc32(tensor.data, crc)
    facts = {"version": VERSION, "config": dict(config), **asdict(about), "crc32": crc}
    header = {"__metadata__": {"format": "pt", KEY: json.dumps(facts)}, **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    with written_whole(path) as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            file.write(tensors[name].data)


class written_whole:  # noqa: N801 (reads as a verb where it is used)
    """A file to write to that appears at `path` when the block ends, and not at all when it fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> BinaryIO:
        try:
            self.path = place_to_write(self.path)
            self.part = self.path.with_name(f".{self.path.name[:80]}-{secrets.token_hex(4)}.part")
            self.file = self.part.open("xb")
        except OSError as error:
            raise unwritable(self.path, error) from None
        return self.file

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
                self.part.replace(self.path)
        except OSError as failure:
            error = failure
        if error is not None:
            with suppress(OSError):
                self.file.close()
            with suppress(OSError):
                self.part.unlink()
        if isinstance(error, OSError):
            raise unwritable(self.path, error) from None


def unwritable(path: Path, error: OSError) -> NetworkFileError:
    """The error for a file that cannot be written, a full disk among others."""
    reason = reason_of(error)
    return NetworkFileError(
        f"cannot write {path}: {reason}",
        hint="Free some space, or choose another folder (GANZFELD_CACHE sets where converted networks are kept).",
    )
