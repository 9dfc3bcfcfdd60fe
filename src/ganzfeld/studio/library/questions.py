"""What the process that looks at files (`child.py`) is asked, and answers."""

from __future__ import annotations

import msgspec

from ganzfeld.studio.library.kinds import FileKind


class LookAtFile(msgspec.Struct, frozen=True, tag_field="ask", tag="look"):
    """What is in this file, and a picture of it of this height in pixels (0: none)."""

    path: str
    kind: FileKind
    height: int = 0


class SeenFile(msgspec.Struct, frozen=True):
    """about: what it is, in a few words. jpeg: its picture, or b"". notes: what a person should know of it. what, hint:
    why it cannot be used, "" if it can."""

    about: str = ""
    jpeg: bytes = b""
    notes: tuple[str, ...] = ()
    what: str = ""
    hint: str = ""


class TryNetwork(msgspec.Struct, frozen=True, tag_field="ask", tag="try"):
    """Which lines of a node that plays a network would not fit another one. text: the patch, whose files lie in
    `folder`. file: the other network, as a patch says it."""

    text: str
    folder: str
    node: str
    file: str


class UnfitLine(msgspec.Struct, frozen=True):
    """A line of the patch that another network has no place for. line: counted from 1. text: as it is written. what:
    why. names: those of the node's lines that it makes, as addresses have them; in a loop, it makes several."""

    line: int
    text: str
    what: str
    names: tuple[str, ...] = ()


class Fitting(msgspec.Struct, frozen=True):
    """lines: those that do not fit. what, hint: why the network cannot be used at all, "" if it can."""

    lines: tuple[UnfitLine, ...] = ()
    what: str = ""
    hint: str = ""
