"""What parent and child say to each other over the child's two pipes: msgpack, each message after its length."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import msgspec

LONGEST = 1 << 29
"""Bytes of one message. What is larger breaks the connection."""
_LENGTH = struct.Struct("<I")


class Open(msgspec.Struct, tag=True, array_like=True):
    """Open a file or a source as `feed`. Answered with `Opened` or `Failed` under the feed's number."""

    feed: int
    kind: str
    path: str
    options: dict[str, Any]


class Attach(msgspec.Struct, tag=True, array_like=True):
    """The shared memory, by name, that answers for this feed go to. Answered with `Answered` of `number`."""

    feed: int
    number: int
    name: str


class Ask(msgspec.Struct, tag=True, array_like=True):
    """Call a feeder's method. An array goes to `offset` of the shared memory if it fits into `room` bytes; without
    (room 0), into the answer itself."""

    feed: int
    number: int
    what: str
    arguments: dict[str, Any]
    offset: int = 0
    room: int = 0


class Close(msgspec.Struct, tag=True, array_like=True):
    """Close a feed. Not answered."""

    feed: int


class Answered(msgspec.Struct, tag=True, array_like=True):
    """The answer to a question. array: (type, shape), or None; data: its bytes, if they are not in shared memory."""

    number: int
    facts: Any
    nbytes: int = 0
    array: tuple[str, list[int]] | None = None
    data: bytearray | None = None


class Failed(msgspec.Struct, tag=True, array_like=True):
    """A question that cannot be answered: `FeederError`'s words."""

    number: int
    what: str
    hint: str = ""


to_child = msgspec.msgpack.Decoder(Open | Attach | Ask | Close)
from_child = msgspec.msgpack.Decoder(Answered | Failed)
_encode = msgspec.msgpack.Encoder().encode


def send(pipe: BinaryIO, message: msgspec.Struct) -> None:
    """Write one message. Raises OSError or ValueError if the other side is gone, or it is too long."""
    data = _encode(message)
    if len(data) > LONGEST:
        raise ValueError("a message is too long")
    pipe.write(_LENGTH.pack(len(data)) + data if len(data) < 65536 else _LENGTH.pack(len(data)))
    if len(data) >= 65536:
        pipe.write(data)
    pipe.flush()


def receive(pipe: BinaryIO) -> bytes | None:
    """The next message; None if the other side has gone. Raises ValueError if it says something else."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LONGEST:
        raise ValueError("a message is too long")
    data = pipe.read(length)
    return data if len(data) == length else None
