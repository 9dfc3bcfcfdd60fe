"""What the supervisor and the render process say to each other: msgspec structs, as msgpack, in batches.

Supervisor → render: `Begin` once, then numbered orders.
Render → supervisor: `Ready`, `Status`, `Addresses`, `Values`, `Desk`, `Stored`, `Saved`, `Failed`, `Line`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ganzfeld.errors import GanzfeldError, Where

Phase = Literal["starting", "loading", "opened", "playing"]
"""starting: importing, waiting for `Begin`. loading: opening a patch, or waiting for one that can be opened.
opened: making the first frame. playing: making frames."""


class _Message(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
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


class Problem(_Message, frozen=True):
    """An error as the person reads it (see `errors.GanzfeldError`)."""

    what: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None

    @classmethod
    def of(cls, error: GanzfeldError) -> Problem:
        where = error.where
        return cls(error.what, error.hint, where.file, where.line, where.column, where.address)

    def error(self) -> GanzfeldError:
        """The error again."""
        return GanzfeldError(self.what, where=Where(self.file, self.line, self.column, self.address), hint=self.hint)


class Status(_Message, frozen=True):
    """How the render is doing: a few times a second, and at once when `problems` or `version` change.

    version: of the text that plays (None: none does yet). outputs: their names, the main one first.
    opened_in: seconds that opening the patch took, with a first frame on scratch state.
    frame_ms, worst_ms: median and longest time of a frame in the last second. halvings: of the networks' inner size, to
    hold the rate. skipped: frames that came too late to be
    made, dropped: frames that readers left no room for; both ever since this process began.
    at: when it was `t` (perf_counter). follow: what the text takes the tempo from; expected: about how fast that is.
    """

    phase: Phase
    version: int | None = None
    opened_in: float = 0.0
    fps: float = 0.0
    frame_ms: float = 0.0
    worst_ms: float = 0.0
    halvings: int = 0
    skipped: int = 0
    dropped: int = 0
    frame: int = 0
    t: float = 0.0
    beat: float = 0.0
    bpm: float = 120.0
    at: float = 0.0
    follow: str | None = None
    expected: float | None = None
    paused: bool = False
    speed: float = 1.0
    device: str = ""
    outputs: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    pending_trust: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()


class Addresses(_Message, frozen=True):
    """Every parameter that a hand may turn in the patch that plays."""

    addresses: tuple[str, ...]


class Values(_Message, frozen=True):
    """A frame's moment (its numbers in the order of `values.time.Moment`) and the values that were asked for."""

    moment: tuple[int, float, float, float, float, float]
    values: dict[str, Any]


class KnobOnDesk(msgspec.Struct, frozen=True):
    """A knob. position: where its value lies, 0 to 1. by: who turned it to where it is. The rest: `KnobModel`."""

    address: str
    value: float
    position: float
    by: str = "text"
    low: float = 0.0
    high: float = 1.0
    curve: float | str = 1.0
    default: float = 0.0
    midi: str | None = None
    osc: str | None = None


class SnapshotOnDesk(msgspec.Struct, frozen=True):
    """A snapshot. at, midi: as `bank.Snapshot`'s. misfits: addresses it names that the patch cannot turn so."""

    name: str
    at: tuple[float, float]
    midi: str | None = None
    misfits: tuple[str, ...] = ()


class Desk(_Message, frozen=True):
    """What hands stand at; told when it changes, up to 20 times a second.

    held: what is held by hands and snapshots, with its value (None: more than one number). fade: how recalls arrive:
    length, unit, when. shown: the snapshot recalled last; share: how far it has arrived. waiting: one that waits for
    its beat. at: the place on the pad, if it was a morph.
    """

    knobs: tuple[KnobOnDesk, ...] = ()
    held: dict[str, Any] = {}
    snapshots: tuple[SnapshotOnDesk, ...] = ()
    fade: tuple[float, str, str] = (0.0, "seconds", "now")
    shown: tuple[str, ...] = ()
    share: float = 1.0
    waiting: str | None = None
    at: tuple[float, float] | None = None


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
FromRender = Ready | Status | Addresses | Values | Desk | Stored | Saved | Failed | Line

encode = msgspec.msgpack.Encoder().encode
decode_to_render = msgspec.msgpack.Decoder(list[ToRender]).decode
decode_from_render = msgspec.msgpack.Decoder(list[FromRender]).decode
