"""What the supervisor and a door's process tell each other: msgpack, told apart by `kind`."""

from __future__ import annotations

from typing import Any

import msgspec

from ganzfeld.values.piped_log import LogLine
from ganzfeld.values.status import Problem


class _DoorMessage(msgspec.Struct, frozen=True, tag_field="kind", tag=True, omit_defaults=True):
    pass


# Supervisor → door


class OpenDoor(_DoorMessage, frozen=True):
    """The first message. factory: "module:class" of the kind. session: where frames are. picture: name of the output,
    "" while there is none yet. options: as the kind's `Options` says. row: of the master's words."""

    factory: str
    name: str
    session: str
    picture: str
    options: dict[str, Any]
    row: int


class ShowPicture(_DoorMessage, frozen=True):
    """Show this output from now on: another one became the main one."""

    picture: str


class ChangeDoor(_DoorMessage, frozen=True):
    """Other options while it is open."""

    options: dict[str, Any]


class DoorCommand(_DoorMessage, frozen=True):
    """Do something that the kind knows by name."""

    name: str
    arguments: tuple[Any, ...] = ()


class StopDoor(_DoorMessage, frozen=True):
    """Finish what was begun, and end."""


# Door → supervisor


class DoorReport(_DoorMessage, frozen=True):
    """How the door is doing (the fields as in `values.status.DoorStatus`): twice a second, from the thread that shows
    pictures, so that silence means that it hangs."""

    is_open: bool = False
    is_waiting: bool = False
    problem: Problem | None = None
    note: str = ""
    fps: float = 0.0
    shown: int = 0
    width: int = 0
    height: int = 0
    refresh: float = 0.0
    refreshed_at: float = 0.0
    seconds: float = 0.0
    size: int = 0


class DoorEnded(_DoorMessage, frozen=True):
    """The last words. problem: why, or None: it was asked to. is_final: starting it again would not help."""

    problem: Problem | None = None
    is_final: bool = False


class KeepOptions(_DoorMessage, frozen=True):
    """Options that a hand changed at the far end, to be kept in the rig: the corners of a window."""

    options: dict[str, Any]


ToDoor = OpenDoor | ShowPicture | ChangeDoor | DoorCommand | StopDoor
FromDoor = DoorReport | DoorEnded | KeepOptions | LogLine

decode_to_door = msgspec.msgpack.Decoder(list[ToDoor]).decode
decode_from_door = msgspec.msgpack.Decoder(list[FromDoor]).decode
