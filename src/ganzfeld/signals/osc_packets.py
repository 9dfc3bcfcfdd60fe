"""Open Sound Control packets, read and written (OSC 1.0, Wright 2002; the types that OSC 1.1 adds).

Our own reader, because packets come from strangers: python-osc 1.10 never comes back from a bundle whose element has
a negative size, and takes quadratic time for many arguments. Here the work is linear in the packet, and reading raises
nothing: a message that cannot be read is left out and told, and costs the other messages of its bundle nothing.

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

from ganzfeld.values.arrivals import LONGEST_ADDRESS, LONGEST_TEXT, MOST_ITEMS

LARGEST_PACKET = 65535
"""Bytes; what UDP can carry."""
MOST_ARGUMENTS = MOST_ITEMS
"""Arguments of a message, those in arrays included."""
DEEPEST = 16
"""Bundles in bundles, and arrays in arrays."""

_BUNDLE = b"#bundle\0"
_IMMEDIATELY = (0, 1)  # 1 is the standard's word for it; some senders write 0
_SECONDS_1900_TO_1970 = 2_208_988_800


class PacketError(ValueError):
    """What OSC cannot say, or more of it than anybody needs."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. time: seconds since 1970 at which it is meant to happen; None: at once."""

    address: str
    arguments: tuple[Any, ...] = ()
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """What of a packet could not be read. address: of the message, "" if there was none to read. reason: a few words
    after which a full stop may stand."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}" if self.address else self.reason


@dataclass(frozen=True, slots=True)
class Packet:
    """messages: in their order, bundles unpacked. unread: the messages (or the rest of a bundle) that are left out."""

    messages: list[Message]
    unread: list[Unread]


def parse(packet: bytes) -> Packet:
    """Reads a packet. Raises nothing.

    A bundle's time holds for all that is in it; a bundle inside may be later, never earlier. An address is taken as it
    is, with spaces and brackets as some programs send them; what a pattern (`/face/*`) stands for is `osc_patterns`'
    matter. Text that is not UTF-8 is read as Windows writes it (code page 1252).
    """
    read = Packet([], [])
    if len(packet) > LARGEST_PACKET:
        read.unread.append(Unread("", "a packet larger than UDP carries"))
    else:
        _element(packet, 0, len(packet), None, 0, read)
    return read


def _element(data: bytes, start: int, end: int, time: float | None, depth: int, into: Packet) -> None:
    if not data.startswith(_BUNDLE, start, end):
        address = ""
        try:
            address, at = _address(data[start:end])
            into.messages.append(_message(data[start:end], address, at, time))
        except (PacketError, struct.error) as error:
            into.unread.append(Unread(address, "cut off" if isinstance(error, struct.error) else str(error)))
        return
    if depth >= DEEPEST:
        into.unread.append(Unread("", "bundles too deep"))
        return
    if start + 16 > end:
        into.unread.append(Unread("", "a bundle without a time"))
        return
    (tag,) = struct.unpack_from(">Q", data, start + 8)
    if tag not in _IMMEDIATELY:
        own = _seconds(tag)
        time = own if time is None else max(time, own)
    at = start + 16
    while at < end:
        if at + 4 > end:
            into.unread.append(Unread("", "a bundle cut off"))
            return
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size < 0 or at + size > end:  # where the next one begins is not known either
            into.unread.append(Unread("", f"a bundle with an element of {size} bytes where {end - at} are left"))
            return
        if size == 0:
            into.unread.append(Unread("", "an empty element of a bundle"))
        else:
            _element(data, at, at + size, time, depth + 1, into)
        at += size


def _address(data: bytes) -> tuple[str, int]:
    """A message's address, and where its type tags begin."""
    if not data.startswith(b"/"):
        raise PacketError("not OSC" if b"\0" not in data else "an address that does not begin with a slash")
    address, at = _text(data, 0)
    if not address.isprintable():
        raise PacketError("an address with control characters")
    if len(address) > LONGEST_ADDRESS:
        raise PacketError("a very long address")
    return address, at


def _message(data: bytes, address: str, at: int, time: float | None) -> Message:
    """The message whose type tags are at `at`."""
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
        if not 0 < code <= 0x10FFFF or 0xD800 <= code < 0xE000:
            raise PacketError("a character that there is not")
        return chr(code), at + 4
    if tag == "m":
        return list(struct.unpack_from(">4B", data, at)), at + 4
    # Its size is not known, so what follows in the message could not be read either.
    raise PacketError(f"the unknown type {tag!r}")


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise PacketError("a text without an end")
    after = at + _padded(end - at + 1)
    if after > len(data):
        raise PacketError("a text cut off")
    text = data[at:end]
    try:
        return text.decode(), after
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace"), after


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
