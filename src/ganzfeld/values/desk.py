"""What stands on the desk of a running show: knobs, snapshots, what hands hold, a control that is being learned.

Said once, like `values/status.py`: the render process tells the supervisor, controllers read it, and the page gets the
same structs.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

TurnedBy = Literal["text", "hand", "snapshot", "midi", "osc"]
Unit = Literal["seconds", "beats"]
When = Literal["now", "beat", "bar"]
Curve = float | Literal["log"]


class KnobOnDesk(msgspec.Struct, frozen=True):
    """A knob of the patch (see `patch.models.Knob`).

    position: where its value lies in its range, 0 to 1. by: who turned it to where it is. curve: the exponent of the
    way from position to value, or "log". midi: its controller, "channel/number". osc: its OSC address.
    """

    address: str
    value: float
    position: float
    by: TurnedBy = "text"
    low: float = 0.0
    high: float = 1.0
    curve: Curve = 1.0
    default: float = 0.0
    midi: str | None = None
    osc: str | None = None


class SnapshotOnDesk(msgspec.Struct, frozen=True):
    """A snapshot. at: its place on the pad, 0 to 1 from the left and from the bottom. midi: the control that recalls
    it, "note 1/60" or "cc 1/20". misfits: addresses it names that the patch cannot turn so. key: stands for its name
    and values. has_picture: the studio has one of it, by this key."""

    name: str
    at: tuple[float, float]
    midi: str | None = None
    misfits: tuple[str, ...] = ()
    key: str = ""
    has_picture: bool = False


class BinnedSnapshot(msgspec.Struct, frozen=True):
    """A snapshot that was deleted and can be had back; key, has_picture: as of `SnapshotOnDesk`."""

    name: str
    key: str = ""
    has_picture: bool = False


class LearnableNumber(msgspec.Struct, frozen=True):
    """A parameter whose value is a plain number in the patch's text, which a knob may take the place of. Lines and
    columns count from 1; length: in characters."""

    address: str
    line: int
    column: int
    length: int


class Lesson(msgspec.Struct, frozen=True):
    """A control that is being learned: what is chosen and touched so far.

    target: the address of what is to be turned, or "snapshot:" and a snapshot's name. control: "cc 1/74" or
    "note 1/60". numbers: what in the text may be chosen beside the knobs and snapshots.
    """

    target: str | None = None
    control: str | None = None
    numbers: tuple[LearnableNumber, ...] = ()


class Desk(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="desk"):
    """What hands stand at: told when it changes, up to 20 times a second.

    Told by the render process:
    held: addresses held by hands and snapshots, with their values (None: more than one number). mixed: those of them
    that a snapshot holds. fade: how recalls
    arrive: length, unit, when they begin. shown: names of the snapshots that were recalled last; share: how far they
    have arrived, 0 to 1. bin: snapshots that were deleted and can be had back, the last one last. undoes: what would be
    undone at the snapshots ("delete dawn"), "" if there is nothing. waiting: one that waits for its beat. at: the place
    on the pad, if it was a morph.

    Added by the supervisor:
    lesson: what is being learned, if anything is. kept: whether snapshots have a file, so that they outlive the show.

    Added by the studio: which snapshots have a picture.
    """

    knobs: tuple[KnobOnDesk, ...] = ()
    held: dict[str, Any] = {}
    mixed: tuple[str, ...] = ()
    snapshots: tuple[SnapshotOnDesk, ...] = ()
    fade: tuple[float, Unit, When] = (0.0, "seconds", "now")
    shown: tuple[str, ...] = ()
    share: float = 1.0
    waiting: str | None = None
    bin: tuple[BinnedSnapshot, ...] = ()
    undoes: str = ""
    at: tuple[float, float] | None = None
    lesson: Lesson | None = None
    kept: bool = False
