"""Open Sound Control packets, read and written (OSC 1.0, Wright 2002; the types that OSC 1.1 adds).

Our own reader, because packets come from strangers: python-osc 1.10 never comes back from a bundle whose element has
a negative size, and takes quadratic time for many arguments. Here the work is linear in the packet, and the only
exception is `PacketError`.

| tag | value | | tag | value |
|---|---|---|---|---|
| i h r | int | | T F | True, False |
| f d | float | | N | None |
| s S c | str | | I | True (an impulse) |
| b | bytes | | t | float: seconds since 1970 |
| m | list of four ints | | [ ] | list |
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LARGEST_PACKET = 65535
"""Bytes; what UDP can carry."""
LONGEST_ADDRESS = 255
"""Characters."""
LONGEST_TEXT = 4096
"""Characters of a string argument; as expressions take them."""
MOST_ARGUMENTS = 1024
"""Arguments of a message, those in arrays included; as expressions take them."""
DEEPEST = 16
"""Bundles in bundles, and arrays in arrays."""

_BUNDLE = b"#bundle\0"
_IMMEDIATELY = (0, 1)  # 1 is the standard's word for it; some senders write 0
_SECONDS_1900_TO_1970 = 2_208_988_800
_NOT_IN_ADDRESSES = frozenset(" #*,?[]{}")


class PacketError(ValueError):
    """A packet that is not OSC, or more of it than anybody needs."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. time: seconds since 1970 at which it is meant to happen; None: at once."""

    address: str
    arguments: tuple[Any, ...] = ()
    time: float | None = None


def parse(packet: bytes) -> list[Message]:
    """The messages of a packet in their order, bundles unpacked. Raises PacketError; then nothing of it counts.

    A bundle's time holds for all that is in it; a bundle inside may be later, never earlier. Addresses are exact:
    one with a pattern in it is refused.
    """
    if len(packet) > LARGEST_PACKET:
        raise PacketError("larger than UDP")
    messages: list[Message] = []
    try:
        _element(packet, 0, len(packet), None, 0, messages)
    except (struct.error, UnicodeDecodeError) as error:
        raise PacketError(str(error)) from None
    return messages


def _element(data: bytes, start: int, end: int, time: float | None, depth: int, into: list[Message]) -> None:
    if not data.startswith(_BUNDLE, start, end):
        into.append(_message(data[start:end], time))
        return
    if depth >= DEEPEST:
        raise PacketError("bundles too deep")
    if start + 16 > end:
        raise PacketError("a bundle without a time")
    (tag,) = struct.unpack_from(">Q", data, start + 8)
    if tag not in _IMMEDIATELY:
        own = _seconds(tag)
        time = own if time is None else max(time, own)
    at = start + 16
    while at < end:
        if at + 4 > end:
            raise PacketError("a bundle cut off")
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > end:
            raise PacketError(f"an element of {size} bytes")
        _element(data, at, at + size, time, depth + 1, into)
        at += size


def _message(data: bytes, time: float | None) -> Message:
    address, at = _text(data, 0)
    if not address.startswith("/") or not address.isprintable() or not _NOT_IN_ADDRESSES.isdisjoint(address):
        raise PacketError("not an address")
    if len(address) > LONGEST_ADDRESS:
        raise PacketError("a very long address")
    if at == len(data):  # senders from before type tags, and bare triggers
        return Message(address, (), time)
    tags, at = _text(data, at)
    if not tags.startswith(","):
        raise PacketError("no type tags")
    if len(tags) > 3 * MOST_ARGUMENTS:
        raise PacketError("too many arguments")
    levels: list[list[Any]] = [[]]
    count = 0
    for tag in tags[1:]:
        if tag == "[":
            if len(levels) > DEEPEST:
                raise PacketError("arrays too deep")
            levels[-1].append([])
            levels.append(levels[-1][-1])
        elif tag == "]":
            levels.pop()
            if not levels:
                raise PacketError("an array that ends before it begins")
        else:
            value, at = _argument(data, at, tag)
            levels[-1].append(value)
            count += 1
    if len(levels) != 1:
        raise PacketError("an array without an end")
    if count > MOST_ARGUMENTS:
        raise PacketError("too many arguments")
    return Message(address, tuple(levels[0]), time)


_NUMBERS = {"i": ">i", "h": ">q", "f": ">f", "d": ">d", "r": ">I"}
_CONSTANTS = {"T": True, "F": False, "N": None, "I": True}


def _argument(data: bytes, at: int, tag: str) -> tuple[Any, int]:
    """The argument at `at`, and where the next one begins."""
    if tag in _NUMBERS:
        (number,) = struct.unpack_from(_NUMBERS[tag], data, at)
        return number, at + struct.calcsize(_NUMBERS[tag])
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag in "sS":
        text, at = _text(data, at)
        if len(text) > LONGEST_TEXT:
            raise PacketError("a very long text")
        return text, at
    if tag == "b":
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size < 0 or at + size > len(data):
            raise PacketError(f"a blob of {size} bytes")
        return data[at : at + size], at + _padded(size)
    if tag == "t":
        (stamp,) = struct.unpack_from(">Q", data, at)
        return _seconds(stamp), at + 8
    if tag == "c":
        (code,) = struct.unpack_from(">I", data, at)
        if not 0 < code < 128:
            raise PacketError("not a character")
        return chr(code), at + 4
    if tag == "m":
        return list(struct.unpack_from(">4B", data, at)), at + 4
    # Its size is not known, so what follows could not be read either.
    raise PacketError(f"the unknown type {tag!r}")


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise PacketError("a text without an end")
    after = at + _padded(end - at + 1)
    if after > len(data):
        raise PacketError("a text cut off")
    return data[at:end].decode(), after


def _padded(size: int) -> int:
    return size + -size % 4


def _seconds(tag: int) -> float:
    # The count of seconds begins anew in 2036; a first bit of 0 means after that (RFC 4330, section 3).
    return (tag if tag >> 63 else tag + 2**64) / 2**32 - _SECONDS_1900_TO_1970


def encode(address: str, *arguments: Any) -> bytes:
    """One message. int → i, or h if it needs 64 bits; float → f, as TouchDesigner sends and takes; bool → T or F;
    str → s; bytes → b; None → N; list or tuple → [ ]. Raises PacketError for anything else."""
    tags: list[str] = []
    parts: list[bytes] = []
    for value in arguments:
        _encode_argument(value, tags, parts)
    return b"".join([_encode_text(address), _encode_text("," + "".join(tags)), *parts])


def bundle(elements: Sequence[bytes], time: float | None = None) -> bytes:
    """Messages (or bundles) that belong together. time: seconds since 1970; None: at once."""
    tag = 1 if time is None else round((time + _SECONDS_1900_TO_1970) * 2**32) % 2**64
    return b"".join([_BUNDLE, struct.pack(">Q", tag), *(struct.pack(">i", len(one)) + one for one in elements)])


def _encode_argument(value: Any, tags: list[str], parts: list[bytes]) -> None:
    if value is None or isinstance(value, bool):
        tags.append("N" if value is None else "T" if value else "F")
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise PacketError("a whole number of more than 64 bits")
        small = -(2**31) <= value < 2**31
        tags.append("i" if small else "h")
        parts.append(struct.pack(">i" if small else ">q", value))
    elif isinstance(value, float):
        tags.append("f")
        try:
            parts.append(struct.pack(">f", value))
        except OverflowError:  # beyond 32 bits
            tags[-1] = "d"
            parts.append(struct.pack(">d", value))
    elif isinstance(value, str):
        tags.append("s")
        parts.append(_encode_text(value))
    elif isinstance(value, bytes):
        tags.append("b")
        parts.append(struct.pack(">i", len(value)) + value + bytes(-len(value) % 4))
    elif isinstance(value, list | tuple):
        tags.append("[")
        for item in value:
            _encode_argument(item, tags, parts)
        tags.append("]")
    else:
        raise PacketError(f"OSC has no type for {type(value).__name__}")


def _encode_text(text: str) -> bytes:
    data = text.encode()
    if b"\0" in data:
        raise PacketError("a text with a zero in it")
    return data + bytes(4 - len(data) % 4)
