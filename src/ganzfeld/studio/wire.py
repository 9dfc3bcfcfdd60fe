"""The messages between the studio and its page: one msgpack map each, told apart by `kind`.

`Status`, `PatchSource` and `Desk` go out as the show gives them. `web/src/live/wire.ts` is the other end: it is written
from these structs by `wire_types.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

import msgspec

from ganzfeld.studio.show import CommandName, DoorVerb
from ganzfeld.values.desk import Desk
from ganzfeld.values.status import PatchSource, Status

# From the studio to the page


class EncodedFrame(msgspec.Struct, frozen=True, tag_field="kind", tag="frame"):
    """A picture. t: the show's time in seconds. width, height: in pixels. sent: the studio's clock in Unix seconds when
    the JPEG was ready. jpeg: the picture over black. alpha: a grey JPEG of its transparency, empty if it is opaque or
    was not asked for."""

    number: int
    t: float
    width: int
    height: int
    sent: float
    jpeg: bytes
    alpha: bytes = b""


class Beat(msgspec.Struct, frozen=True, tag_field="kind", tag="beat"):
    """Says to a clean page that the studio lives, while there is no picture."""


class Refusal(msgspec.Struct, frozen=True, tag_field="kind", tag="notice"):
    """The answer to a command that could not be done."""

    what: str
    hint: str = ""


# From the page to the studio


class _FromPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    pass


class Acknowledgement(_FromPage, frozen=True, tag="ack"):
    """The frame of this number, and all sent before it, are on the screen or passed over."""

    number: int


class PageCommand(_FromPage, frozen=True, tag="command"):
    """Something to do (see `StudioShow.command`); `path` goes with "trust"."""

    name: CommandName
    path: str | None = None


class KnobTurned(_FromPage, frozen=True, tag="turn"):
    """A hand turned what is at an address."""

    address: str
    value: float


class KnobReleased(_FromPage, frozen=True, tag="release"):
    """A hand gave what is at an address back to its text."""

    address: str


class SnapshotAction(_FromPage, frozen=True, tag="snapshot"):
    """Something is done with snapshots; the arguments are those of the OSC address `/snapshot/…`, or those of
    `engine.snapshots.Snapshots.arrange`."""

    do: Literal["store", "recall", "morph", "release", "rename", "delete", "undelete", "order", "undo", "place", "fade"]
    arguments: list[str | float] = []


class LearnControl(_FromPage, frozen=True, tag="learn"):
    """The next control that is touched is to turn this (None: what is chosen next); `do` "stop": never mind, "forget":
    no control turns it any more, "touch": `control` ("cc 1/74") was picked from what arrives, as if it were touched."""

    target: str | None = None
    do: Literal["learn", "stop", "forget", "touch"] = "learn"
    control: Annotated[str, msgspec.Meta(pattern=r"\A(cc|note) \d{1,2}/\d{1,3}\Z")] | None = None


class MasterMoved(_FromPage, frozen=True, tag="master"):
    """A hand moves the master: level and black from 0 to 1, freeze 0 or 1, with a fade in seconds; of all doors (None),
    or of a door or an output by name."""

    what: Literal["level", "black", "freeze"]
    value: float
    seconds: float = 0.0
    door: str | None = None


class SoundFloor(_FromPage, frozen=True, tag="floor"):
    """Sound that is quieter than this, in decibels of full scale, is silence from now on."""

    decibels: float


class DoorAction(_FromPage, frozen=True, tag="door"):
    """Something is done with a door. "open": `door` is what is opened, as on the command line. "change": give it other
    options. "again": start one that had ended. "start", "stop": a film. "record": begin a film beside the patch,
    whatever `door` says. Doors are opened and changed from the machine that plays only."""

    do: DoorVerb
    door: str
    options: dict[str, str | float | bool] = {}


FromStudio = EncodedFrame | Beat | Status | PatchSource | Refusal | Desk
AtDesk = KnobTurned | KnobReleased | SnapshotAction | LearnControl | MasterMoved | SoundFloor
FromPage = Acknowledgement | PageCommand | DoorAction | AtDesk

encode = msgspec.msgpack.Encoder().encode
Message = TypeVar("Message")

_decode_from_page = msgspec.msgpack.Decoder(FromPage).decode
_decode_from_clean_page = msgspec.msgpack.Decoder(Acknowledgement).decode


def decode_from_page(data: bytes) -> FromPage:
    """A message of the page. Raises msgspec.DecodeError for whatever is none."""
    return _decoded(_decode_from_page, data)


def decode_from_clean_page(data: bytes) -> Acknowledgement:
    """A message of a clean page. Raises msgspec.DecodeError for whatever is none."""
    return _decoded(_decode_from_clean_page, data)


def _decoded(decode: Callable[[bytes], Message], data: bytes) -> Message:
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None
