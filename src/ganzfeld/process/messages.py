"""What the supervisor and the render process say to each other: msgspec structs, as msgpack, in batches.

Supervisor → render: `Begin` once, then numbered orders.
Render → supervisor: `Ready`, `Status`, `Watched`, `Addresses`, `Values`, `Desk`, `Stored`, `Saved`, `Failed`, `Line`.
`Status` and `Desk` are in `values/`: the page gets them, too.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ganzfeld.values.desk import Desk
from ganzfeld.values.status import Problem, Status


class _Message(msgspec.Struct, frozen=True, tag_field="kind", tag=True, omit_defaults=True):
    pass


class Text(_Message, frozen=True):
    """A patch's text. `version` counts the texts of this show; `again`: build it even if nothing in it changed."""

    version: int
    text: str


# Supervisor → render


class Begin(_Message, frozen=True):
    """Play. `text` is what to play; if it cannot be built, `fallback` (the last that could) plays and the error shows.

    session: where frames go. path: the patch's file, for the files it names and for errors. device: as `Engine`'s.
    fps, bpm: instead of the patch's own. take: record one into this file. name: what the person calls the patch.
    sound: the file that drives the show. take_cameras: keep what cameras show, too.
    checkpoint: where the process before was, taken at `saved_at` (perf_counter).
    """

    session: str
    text: Text
    path: str | None = None
    fallback: Text | None = None
    device: str = "auto"
    fps: float | None = None
    trust_all: bool = False
    checkpoint: bytes | None = None
    clock: dict[str, Any] | None = None
    saved_at: float = 0.0
    bpm: float | None = None
    take: str | None = None
    name: str = ""
    sound: str = ""
    take_cameras: bool = False


class Turn(_Message, frozen=True):
    """A hand turned the parameter at an address."""

    address: str
    value: Any


class Release(_Message, frozen=True):
    """The parameter at an address goes back to its text."""

    address: str


class Value(_Message, frozen=True):
    """A value from outside: OSC, MIDI, sound."""

    address: str
    value: Any


class Hit(_Message, frozen=True):
    """An event from outside."""

    address: str
    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = {}


class Pause(_Message, frozen=True):
    """Stop the clock, or let it go on."""

    paused: bool = True


class Seek(_Message, frozen=True):
    """Jump to second `t` of the show."""

    t: float


class Speed(_Message, frozen=True):
    """Seconds of show time in a second."""

    speed: float


class Tempo(_Message, frozen=True):
    """An outside tempo. bpm: None leaves it as it is. beat: where the outside beat was at `at` (perf_counter); `every`
    so many of them it is known (see `Clock.meet`); None: only the tempo is known."""

    bpm: float | None = None
    beat: float | None = None
    every: float = 4.0
    at: float = 0.0


class Report(_Message, frozen=True):
    """Tell the values of these addresses, or patterns of them, at most `rate` times a second (`Values`); none: stop."""

    choose: tuple[str, ...] = ()
    rate: float = 60.0


class Snapshots(_Message, frozen=True):
    """These snapshots (`bank.encode_bank`) instead of those there were: the file was read."""

    bank: bytes


class Arrange(_Message, frozen=True):
    """Rename, delete, place, bind snapshots (see `engine.snapshots.Snapshots.arrange`). They are stored and recalled
    by hits."""

    what: str
    arguments: tuple[Any, ...] = ()


class Notice(_Message, frozen=True):
    """A watched file changed."""

    path: str


class Trust(_Message, frozen=True):
    """A person allowed a script file to run."""

    path: str


class Stop(_Message, frozen=True):
    """End."""


Order = (
    Text
    | Turn
    | Release
    | Value
    | Hit
    | Pause
    | Seek
    | Speed
    | Tempo
    | Report
    | Snapshots
    | Arrange
    | Notice
    | Trust
    | Stop
)


class Numbered(_Message, frozen=True):
    """An order and its number. `Saved` says which orders its checkpoint contains; the later ones are given again."""

    number: int
    order: Order


# Render → supervisor


class Ready(_Message, frozen=True):
    """Everything is imported; waits for `Begin`."""


class Watched(_Message, frozen=True):
    """Files whose change the patch that plays wants to be told of (`Notice`)."""

    files: tuple[str, ...]


class Addresses(_Message, frozen=True):
    """What the patch that plays has addresses for. addresses: every parameter that a hand may turn. hits: events that
    its expressions count."""

    addresses: tuple[str, ...]
    hits: tuple[str, ...] = ()


class Values(_Message, frozen=True):
    """A frame's moment (its numbers in the order of `values.time.Moment`) and the values that were asked for."""

    moment: tuple[int, float, float, float, float, float]
    values: dict[str, Any]


class Stored(_Message, frozen=True):
    """The snapshots (`bank.encode_bank`) changed: to be written into their file."""

    bank: bytes


class Saved(_Message, frozen=True):
    """A checkpoint: the engine's `data` and the clock, as they were at `at` (perf_counter), after order `number`."""

    number: int
    data: bytes
    clock: dict[str, Any]
    at: float


class Failed(_Message, frozen=True):
    """Nothing can ever be played like this (no such device, no such session): starting again would not help."""

    problem: Problem


class Line(_Message, frozen=True):
    """A line of the render's log."""

    logger: str
    level: int
    text: str


ToRender = Begin | Numbered
FromRender = Ready | Status | Watched | Addresses | Values | Desk | Stored | Saved | Failed | Line

encode = msgspec.msgpack.Encoder().encode
decode_to_render = msgspec.msgpack.Decoder(list[ToRender]).decode
decode_from_render = msgspec.msgpack.Decoder(list[FromRender]).decode
