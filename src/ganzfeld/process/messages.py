"""What the supervisor and the render process say to each other: msgspec structs, as msgpack, in batches.

Supervisor → render process: `Begin` once, then `Numbered` messages (`RenderMessage`).
Render process → supervisor: `FromRender`. `Status` and `Desk` are in `values/`, because the page gets them, too.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ganzfeld.values.addresses import Address
from ganzfeld.values.desk import Desk
from ganzfeld.values.looking import CellPlace, CellView
from ganzfeld.values.piped_log import LogLine
from ganzfeld.values.status import Problem, Status


class _Message(msgspec.Struct, frozen=True, tag_field="kind", tag=True, omit_defaults=True):
    pass


class VersionedText(_Message, frozen=True):
    """Play this text of the patch. version: counts the texts of this show, from 1. path: the patch's file, for the
    files that the text names and for errors; None if it has none. at_once: without waiting for a bar or beat, and
    without a fade."""

    version: int
    text: str
    path: str | None = None
    at_once: bool = False


class CardShare(_Message, frozen=True):
    """A picture that the render shares on its card, as a door of the kind `cuda` is asked to.

    session: the public one (`values.card_ring`). picture: an output's name. row: the door's, of the master; master:
    whether that holds. order, origin, alpha, region, rate, readers: the door's options.
    """

    session: str
    picture: str
    row: int
    master: bool = True
    order: str = "RGBA"
    origin: str = "top"
    alpha: str = "straight"
    region: tuple[int, int, int, int] | None = None
    rate: float | None = None
    readers: int = 2


# Supervisor → render process


class Begin(_Message, frozen=True):
    """Play `text`; if it cannot be built, play `fallback` (the last that could) and show the error. refused: the
    process before could not build it, either.

    session: where frames go (`values.frames`). device: as `Engine`'s. fps, bpm: instead of the patch's own; frames a
    second, beats a minute. least_fps: see `LeastRate`.
    checkpoint, clock: the state that the process before saved, at `saved_at` (perf_counter).
    take: record one into this file. take_cameras: with what cameras show. name: what the person calls the patch. sound:
    the file that drives the show, for the take to tell.
    set_aside: files that killed or hung a process before, and what they did. kept: copies of networks that have played,
    by their paths. dark: publish black pictures (see `Dark`). sources: machines that streams may come from.
    card_shares: see `ShareOnCard`.
    """

    session: str
    text: VersionedText
    fallback: VersionedText | None = None
    refused: bool = False
    device: str = "auto"
    fps: float | None = None
    least_fps: float = 0.0
    trust_all: bool = False
    checkpoint: bytes | None = None
    clock: dict[str, Any] | None = None
    saved_at: float = 0.0
    bpm: float | None = None
    take: str | None = None
    name: str = ""
    sound: str = ""
    take_cameras: bool = False
    set_aside: dict[str, str] = {}
    kept: dict[str, str] = {}
    dark: bool = False
    sources: tuple[str, ...] = ()
    card_shares: tuple[CardShare, ...] = ()


class SetParameter(_Message, frozen=True):
    """A hand turned the parameter at an address."""

    address: str
    value: Any


class ReleaseParameter(_Message, frozen=True):
    """The parameter at an address goes back to its text."""

    address: str


class SetOutside(_Message, frozen=True):
    """The newest value at an address outside: OSC, MIDI, sound."""

    address: str
    value: Any


class OutsideHit(_Message, frozen=True):
    """One event at an address outside."""

    address: str
    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = {}


class Pause(_Message, frozen=True):
    """Stop the show's clock, or let it go on."""

    paused: bool = True


class Seek(_Message, frozen=True):
    """Jump to second `t` of the show."""

    t: float


class Speed(_Message, frozen=True):
    """Seconds of show time in a second."""

    speed: float


class Tempo(_Message, frozen=True):
    """A tempo from outside. bpm: beats a minute; None leaves it as it is. beat: where the outside beat was at `at`
    (perf_counter), known up to `every` beats (see `Clock.meet`); None: only the tempo is known."""

    bpm: float | None = None
    beat: float | None = None
    every: float = 4.0
    at: float = 0.0


class FollowRefresh(_Message, frozen=True):
    """A far end asks for pictures `rate` times a second, and asked at `at` (perf_counter): the loop keeps step with it,
    slowly, if that is about the rate of the patch or a multiple of it."""

    at: float
    rate: float


class LeastRate(_Message, frozen=True):
    """A door asks for `fps` pictures a second; 0: none asks. Everything is rendered at the highest rate that the patch
    or a door asks for, and the other doors pick by time."""

    fps: float


class ShareOnCard(_Message, frozen=True):
    """Share these pictures, and no others: those of doors that the render itself fills."""

    shares: tuple[CardShare, ...] = ()


class ReportValues(_Message, frozen=True):
    """Tell the values of these addresses, or patterns of them, at most `rate` times a second (with `ReportedValues`).
    No addresses: stop."""

    choose: tuple[str, ...] = ()
    rate: float = 60.0


class LoadSnapshots(_Message, frozen=True):
    """Take these snapshots (`bank.encode_bank`) instead of those there were: their file was read. anew: they are of
    another patch, so nothing that was done before can be undone."""

    bank: bytes
    anew: bool = False


class ArrangeSnapshots(_Message, frozen=True):
    """Rename, delete, place or bind snapshots, or say how they fade (see `engine.snapshots.Snapshots.arrange`). They
    are stored and recalled by hits."""

    what: str
    arguments: tuple[Any, ...] = ()


class LookAt(_Message, frozen=True):
    """Show these in the atlas from now on (`AtlasLaidOut` says where); nothing, if there are no views. The session of
    the atlas is there."""

    views: tuple[CellView, ...] = ()


class FileChanged(_Message, frozen=True):
    """A watched file changed."""

    path: str


class TrustScript(_Message, frozen=True):
    """A person allowed a script file to run."""

    path: str


class Dark(_Message, frozen=True):
    """Publish black pictures in place of those that are made, or no longer: outside a show's hours."""

    dark: bool = True


class RecordTake(_Message, frozen=True):
    """Record a take into this file from the next frame on, and end one that is recorded; path "": end it only. The rest
    is as in `Begin`."""

    path: str = ""
    name: str = ""
    sound: str = ""
    cameras: bool = False


class Stop(_Message, frozen=True):
    """End."""


RenderMessage = (
    VersionedText
    | SetParameter
    | ReleaseParameter
    | SetOutside
    | OutsideHit
    | Pause
    | Seek
    | Speed
    | Tempo
    | FollowRefresh
    | LeastRate
    | ShareOnCard
    | ReportValues
    | LookAt
    | LoadSnapshots
    | ArrangeSnapshots
    | FileChanged
    | TrustScript
    | Dark
    | RecordTake
    | Stop
)


class Numbered(_Message, frozen=True):
    """A message and its number. `CheckpointSaved` says which messages its checkpoint contains; those after it are given
    again to the next process."""

    number: int
    message: RenderMessage


# Render process → supervisor


class Ready(_Message, frozen=True):
    """Everything is imported; the process waits for `Begin`."""


class WatchFiles(_Message, frozen=True):
    """Tell the process when one of these files changes (`FileChanged`): the patch that plays reads them. stamps: which
    versions it has read (`values.hazards.stamp_of`), so that no change is missed. parts: files that are a part of
    another one (a script's modules), whose change is that one's change."""

    files: tuple[str, ...]
    stamps: dict[str, int] = {}
    parts: dict[str, str] = {}


class FilesSetAside(_Message, frozen=True):
    """Files that the process does not touch until they change: what each did, and which version of it (`stamp_of`; 0:
    nobody knows)."""

    files: dict[str, tuple[str, int]]


class NetworksKept(_Message, frozen=True):
    """Copies in our cache of the networks that play, by the networks' paths."""

    files: dict[str, str]


class PatchAddresses(_Message, frozen=True):
    """What the patch that plays has addresses for. addresses: every parameter that a hand may turn. hits: events that
    its expressions count. reads: what they and knobs read from outside."""

    addresses: tuple[str, ...]
    hits: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


class PatchTable(_Message, frozen=True):
    """A piece of what can be reached of the patch that plays, and what is said of it. number: tells patches apart.
    first: how many rows came before; is_last: it is whole now."""

    number: int
    rows: tuple[Address, ...]
    first: int
    is_last: bool


class ReportedValues(_Message, frozen=True):
    """A frame's moment (its numbers as `values.time.Moment` lists them) and the values that were asked for."""

    moment: tuple[int, float, float, float, float, float]
    values: dict[str, Any]


class AtlasLaidOut(_Message, frozen=True):
    """Where the views are in the atlases that come from now on. number: the first of the numbers in each of them.
    shown: so many rows have pictures; rows: so many, the last ones, have numbers, float32."""

    number: int
    views: tuple[CellView, ...]
    places: tuple[CellPlace, ...]
    shown: int
    rows: int


class SnapshotsStored(_Message, frozen=True):
    """The snapshots (`bank.encode_bank`) changed: they are to be written into their file."""

    bank: bytes


class CheckpointSaved(_Message, frozen=True):
    """A checkpoint: the engine's `data` and the clock, as they were at `at` (perf_counter), after message `number`."""

    number: int
    data: bytes
    clock: dict[str, Any]
    at: float


class Failed(_Message, frozen=True):
    """Nothing can ever be played like this (no such device, no such session): starting again would not help."""

    problem: Problem


class Ends(_Message, frozen=True):
    """The process ends because of an exception, which says this of itself. Another one is started."""

    reason: str


ToRender = Begin | Numbered
FromRender = (
    Ready
    | Status
    | WatchFiles
    | FilesSetAside
    | NetworksKept
    | PatchAddresses
    | PatchTable
    | ReportedValues
    | AtlasLaidOut
    | Desk
    | SnapshotsStored
    | CheckpointSaved
    | Failed
    | Ends
    | LogLine
)

decode_to_render = msgspec.msgpack.Decoder(list[ToRender]).decode
decode_from_render = msgspec.msgpack.Decoder(list[FromRender]).decode
