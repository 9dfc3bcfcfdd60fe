"""A pickle, as `pickle.dump` writes it, and the older layout of `torch.save`, which is a run of pickles.

Layout of the older torch.save, from torch's public documentation and files it wrote: pickles of a magic number, a
protocol, facts on the system, the object, and the list of storage keys; then for each key a count and the raw numbers.
"""

from __future__ import annotations

import re
import struct

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.containers import Container
from ganzfeld.networks.files.machine import Reading
from ganzfeld.networks.files.native import looks_like_safetensors
from ganzfeld.networks.files.storages import Storages
from ganzfeld.networks.files.unpickler import Unpickler
from ganzfeld.networks.files.values import refuse_damaged

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that the older torch.save begins with."""
PROTOCOL = 1001


def _read(data: memoryview, reading: Reading) -> object:
    machine = Unpickler(data, reading)
    content = machine.load()
    if type(content) is int and content == MAGIC:
        return _run(data, machine.position, reading)
    return content


def _run(data: memoryview, position: int, reading: Reading) -> object:
    storages = Storages()

    def pickled(persistent=None) -> object:
        nonlocal position
        machine = Unpickler(data, reading, position=position, persistent=persistent)
        content = machine.load()
        position = machine.position
        return content

    if pickled() != PROTOCOL:
        raise refuse_damaged("the file is of an unknown version of torch.save")
    system = pickled()
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise NetworkFileError("the file was saved on a big-endian machine, which Ganzfeld cannot read")
    content = pickled(storages.of)
    keys = pickled()
    described = storages.by_key
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or set(keys) != set(described):
        raise refuse_damaged("the file's list of storages does not match its contents")
    for key in keys:
        wanted = described[key]
        if len(data) - position < 8:
            raise refuse_damaged(f"the file breaks off after {len(data):,} bytes, before its numbers")
        (count,) = struct.unpack("<q", data[position : position + 8])
        if count != wanted.count:
            raise refuse_damaged(f"a storage is declared with {wanted.count:,} numbers and written with {count:,}")
        position += 8
        length = count * wanted.kind.dtype.itemsize
        wanted.fill(data[position : position + length])
        position += length
    return content


_OLDEST = re.compile(
    rb"""\(?[dl](p\d+\n|q.)          # a dictionary or a list
    | [}\]]q.                       # the same in protocol 1
    | \(?[ci]([A-Za-z_][\w.]*\n){2}[()\]}pqN]   # an object, perhaps the first of a tuple
    | L\d+L\n\.                     # a long number alone: the older torch.save's
    """,
    re.VERBOSE | re.DOTALL,
)
"""How pickles of protocols 0 and 1 begin, which do not say that they are pickles and look like text."""


def _recognises(head: bytes) -> bool:
    if head.startswith(b"\x80"):  # so may a safetensors file, whose first bytes are a length
        return not looks_like_safetensors(head)
    return _OLDEST.match(head) is not None


CONTAINER = Container(suffixes=(".pkl",), recognises=_recognises, read=_read)
