"""How a running show is doing, and what is wrong with it: said once, for every process and for the page.

The render process fills in what it knows of a `Status` and sends it to the supervisor; the supervisor fills in the
rest; the studio sends the same struct to the page, as it is. So a number of the status is one field here, one line
where it is measured and one where it is shown. `studio/wire_types.py` writes the page's types from these structs.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ganzfeld.errors import GanzfeldError, Where

Phase = Literal["starting", "loading", "opened", "playing"]
"""starting: importing, waiting to be told what to play. loading: opening a patch, or waiting for one that can be
opened. opened: making the first frame. playing: making frames."""

ROLLING = "…"
"""What `Status.rolled` is while dice roll."""


class Problem(msgspec.Struct, frozen=True):
    """An error as the person reads it (see `errors.GanzfeldError`). Lines and columns count from 1."""

    what: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None

    @classmethod
    def of(cls, error: GanzfeldError) -> Problem:
        """The same error as a message."""
        where = error.where
        return cls(error.what, error.hint, where.file, where.line, where.column, where.address)

    def error(self) -> GanzfeldError:
        """The error again, to be raised or shown in another process."""
        return GanzfeldError(self.what, where=Where(self.file, self.line, self.column, self.address), hint=self.hint)


DoorState = Literal["starting", "open", "waiting", "failed", "ended"]
"""starting: its process opens its far end. open: pictures leave. waiting: the far end is not there (a display, a
server), and it goes on as soon as it is. failed: it is started again, after a pause. ended: for good, with a word."""


class DoorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one door is doing.

    Known by the supervisor:
    name: what the person calls it. type: its kind, such as "window". to: its far end, as the person wrote it. picture:
    the output it shows, "" for the main one. state: see `DoorState`. problem: what is wrong, or None. restarts: how
    often its process was started again. again_in: seconds until it is, or 0. level, black, frozen: its own master.

    Told by the door:
    note: what it has to say of its far end ("HDMI-1, 1920 × 1080 at 60 Hz"). fps: pictures shown in the last second.
    shown: pictures since it was opened. width, height: of what is shown, in pixels. refresh: pictures a second that the
    far end asks for, 0 if it does not say; refreshed_at: when it asked last (perf_counter). seconds, size: of a film
    that is being recorded, how long it is and its bytes on disk so far.
    """

    name: str
    type: str
    to: str = ""
    picture: str = ""
    state: DoorState = "starting"
    problem: Problem | None = None
    restarts: int = 0
    again_in: float = 0.0
    level: float = 1.0
    black: float = 0.0
    frozen: bool = False
    note: str = ""
    fps: float = 0.0
    shown: int = 0
    width: int = 0
    height: int = 0
    refresh: float = 0.0
    refreshed_at: float = 0.0
    seconds: float = 0.0
    size: int = 0


class TakeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A take that is recorded. name, path: of its file. seconds: how long it has been. size: its bytes on disk so
    far."""

    name: str
    path: str = ""
    seconds: float = 0.0
    size: int = 0


class MasterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The master of all doors (see `values.master`): level and black from 0 to 1, and whether all are frozen."""

    level: float = 1.0
    black: float = 0.0
    frozen: bool = False


class Status(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="status"):
    """How a show is doing: told a few times a second, and at once when there is news.

    Measured by the render process:
    phase: how far it has come. playing_version: of the patch's text that plays (None: none does yet). opened_in:
    seconds that opening the patch took, a first frame on scratch state included.
    heard_version: of the newest text that it was given. is_building: whether a text is being built. ready_version: of a
    text that is built and does not play yet (0: none); ready_beats: it plays when this many beats begin (4: a bar).
    fps: frames made in the last second. rate: frames a second that are asked for. division: by what that is divided, so
    that frames come evenly on a machine that does not reach it.
    frame_ms, worst_ms: median and longest time of a frame, in milliseconds.
    halvings: how many times the networks' inner size is halved, to hold the rate.
    skipped: frames that were left out because they were late; dropped: frames for which readers left no room; both
    since the process began.
    frame: frames since the show began. t: the show's time in seconds, as it was `at` (perf_counter, which all
    processes of a machine share). beat: beats since the show began. bpm: beats a minute. speed: seconds of show time
    in a second.
    follow: what the tempo is taken from ("midi", "audio", "link", "tap"), or None. expected: about how many beats a
    minute that may have, if the patch says so. floor: the decibels below which sound is silence, if it says so.
    device: where networks run, such as "cuda:0". outputs: their names, the main one first.
    errors: what is wrong now. pending_trust: paths of script files that wait for a person's permission to run.

    Added by the supervisor:
    width, height: of the main output's newest picture, in pixels; 0 before the first. patch_name: the patch's file
    name, without its folders. patch_version: of the patch's newest text, whether it plays or not.
    render_alive: False while there is no render process; the last picture is held until it is back.
    put_off: of `pending_trust`, those of which a person said on the page: not now.
    rolled: the line that dice propose, `ROLLING` while they roll, "" if there is none. rolled_after: the line of the
    patch's newest text after which it would stand, from 1; 0: it stands in the text and plays, or there is none.
    dice_armed: whether what dice roll plays at once.
    doors: where pictures leave to, in the order in which they were opened. master: what holds for all of them.
    take: the take that is recorded, or None.
    osc_dropped: messages of OSC that could not be read, since the show began; osc_dropped_last: the last one's address
    and what was wrong with it, "" if there is none.
    """

    phase: Phase = "starting"
    playing_version: int | None = None
    opened_in: float = 0.0
    heard_version: int = 0
    is_building: bool = False
    ready_version: int = 0
    ready_beats: float = 0.0
    fps: float = 0.0
    rate: float = 0.0
    division: int = 1
    frame_ms: float = 0.0
    worst_ms: float = 0.0
    halvings: int = 0
    skipped: int = 0
    dropped: int = 0
    frame: int = 0
    t: float = 0.0
    at: float = 0.0
    beat: float = 0.0
    bpm: float = 120.0
    speed: float = 1.0
    paused: bool = False
    follow: str | None = None
    expected: float | None = None
    floor: float | None = None
    device: str = ""
    outputs: tuple[str, ...] = ()
    errors: tuple[Problem, ...] = ()
    pending_trust: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    patch_name: str = ""
    patch_version: int = 0
    render_alive: bool = True
    put_off: tuple[str, ...] = ()
    rolled: str = ""
    rolled_after: int = 0
    dice_armed: bool = False
    osc_dropped: int = 0
    osc_dropped_last: str = ""
    doors: tuple[DoorStatus, ...] = ()
    master: MasterStatus = MasterStatus()
    take: TakeStatus | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the main output's newest picture, in pixels."""
        return self.width, self.height

    def refused(self, version: int) -> bool:
        """Whether the render process has heard of this version of the text, and could not build it."""
        done = self.heard_version == version and not self.is_building
        return done and version not in (self.playing_version, self.ready_version)

    @property
    def news(self) -> Status:
        """The status without the numbers that change with every frame: what is to be told at once when it differs."""
        doors = tuple(
            msgspec.structs.replace(door, fps=0.0, shown=0, again_in=0.0, refreshed_at=0.0, seconds=0.0, size=0)
            for door in self.doors
        )
        return msgspec.structs.replace(
            self, bpm=round(self.bpm, 1), doors=doors, osc_dropped_last="", take=None, **_STILL
        )


_STILL = dict.fromkeys(
    ("opened_in", "fps", "frame_ms", "worst_ms", "skipped", "dropped", "frame", "t", "at", "beat", "osc_dropped"), 0
)


class PatchSource(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="patch"):
    """The patch's newest text, even when it cannot be built and the one before it plays on: errors point into it.

    name: its file's name, without folders. version: changes whenever the text does.
    """

    name: str
    text: str
    version: int
