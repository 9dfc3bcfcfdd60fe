"""The desk on the page: knobs that are turned there, snapshots, controls that are learned.

`web/src/live/wire.ts` is the other end of the messages.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio.show import Show


class KnobWords(msgspec.Struct, frozen=True):
    """A knob. position: where its value lies, 0 to 1. by: "text", "hand", "snapshot", "midi" or "osc"."""

    address: str
    value: float
    position: float
    by: str
    low: float
    high: float
    curve: float | str
    default: float
    midi: str | None
    osc: str | None


class SnapshotWords(msgspec.Struct, frozen=True):
    """A snapshot. at: its place on the pad, 0 to 1 from the left and from the bottom. misfits: what it names that the
    patch cannot turn so."""

    name: str
    at: tuple[float, float]
    midi: str | None
    misfits: list[str]


class NumberWords(msgspec.Struct, frozen=True):
    """A plain number in the text that a knob may take the place of. Lines and columns count from 1."""

    address: str
    line: int
    column: int
    length: int


class Lesson(msgspec.Struct, frozen=True):
    """What is chosen and touched so far of a control that is being learned."""

    target: str | None
    control: str | None
    numbers: list[NumberWords]


class Desk(msgspec.Struct, frozen=True, tag_field="kind", tag="desk"):
    """What hands stand at: when a viewer joins, and whenever it changes.

    held: addresses held by hands and snapshots. fade: how recalls arrive: length, unit, when. shown: names of the
    snapshots recalled last; share: how far they have arrived; waiting: one that waits for its beat; at: the place on
    the pad of a morph. kept: whether snapshots have a file.
    """

    knobs: list[KnobWords]
    held: list[str]
    snapshots: list[SnapshotWords]
    fade: tuple[float, str, str]
    shown: list[str]
    share: float
    waiting: str | None
    at: tuple[float, float] | None
    lesson: Lesson | None
    kept: bool

    @classmethod
    def of(cls, show: Show) -> Desk:
        """The desk of a show as it is now."""
        desk, lesson = show.desk(), show.lesson
        return cls(
            knobs=[msgspec.convert(knob, KnobWords, from_attributes=True) for knob in desk.knobs],
            held=list(desk.held),
            snapshots=[
                SnapshotWords(each.name, each.at, each.midi, list(each.misfits)) for each in desk.snapshots
            ],
            fade=desk.fade,
            shown=list(desk.shown),
            share=desk.share,
            waiting=desk.waiting,
            at=desk.at,
            lesson=None
            if lesson is None
            else Lesson(
                lesson.target,
                lesson.control,
                [NumberWords(each.address, each.line, each.column, each.length) for each in lesson.numbers],
            ),
            kept=show.keeps_snapshots,
        )  # fmt: skip


class _FromPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    pass


class Turn(_FromPage, frozen=True):
    """A hand turns what is at an address."""

    address: str
    value: float


class Release(_FromPage, frozen=True):
    """It goes back to its text."""

    address: str


class Snapshot(_FromPage, frozen=True):
    """Something is done with snapshots; the arguments are those of the OSC address `/snapshot/…`, or those of
    `Snapshots.arrange`."""

    do: Literal["store", "recall", "morph", "release", "rename", "delete", "place", "fade"]
    arguments: list[str | float] = []


class Learn(_FromPage, frozen=True):
    """The next control that is touched is to turn this (None: what is chosen next); `do` "stop": never mind, "forget":
    no control turns it any more."""

    target: str | None = None
    do: Literal["learn", "stop", "forget"] = "learn"


FromPage = Turn | Release | Snapshot | Learn

_HITS = ("store", "recall", "morph", "release")


def obey(show: Show, message: FromPage) -> None:
    """Do what the page asks. Raises GanzfeldError if it cannot be done."""
    match message:
        case Turn(address, value):
            if not show.turn(address, value):
                raise GanzfeldError(f"there is nothing at {address}")
        case Release(address):
            show.release(address)
        case Snapshot(do, arguments) if do in _HITS:
            show.hit(f"/snapshot/{do}", *arguments)
        case Snapshot(do, arguments):
            show.arrange(do, *arguments)
        case Learn(_, "stop"):
            show.stop_learning()
        case Learn(str() as target, "forget"):
            show.connect(target, None)
        case Learn(target, "learn"):
            show.learn(target)


def known_desk(show: Show) -> tuple[Any, ...]:
    """What a desk is made of, by identity: cheap to compare."""
    return show.desk(), show.lesson
