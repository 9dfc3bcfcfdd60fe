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


class Status(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="status"):
    """How a show is doing: told a few times a second, and at once when there is news.

    Measured by the render process:
    phase: how far it has come. playing_version: of the patch's text that plays (None: none does yet). opened_in:
    seconds that opening the patch took, a first frame on scratch state included.
    fps: frames made in the last second. frame_ms, worst_ms: median and longest time of one of them, in milliseconds.
    halvings: how many times the networks' inner size is halved, to hold the rate.
    skipped: frames that were left out because they were late; dropped: frames for which readers left no room; both
    since the process began.
    frame: frames since the show began. t: the show's time in seconds, as it was `at` (perf_counter, which all
    processes of a machine share). beat: beats since the show began. bpm: beats a minute. speed: seconds of show time
    in a second.
    follow: what the tempo is taken from ("midi", "audio", "link", "tap"), or None. expected: about how many beats a
    minute that may have, if the patch says so.
    device: where networks run, such as "cuda:0". outputs: their names, the main one first.
    errors: what is wrong now. pending_trust: paths of script files that wait for a person's permission to run.

    Added by the supervisor:
    width, height: of the main output's newest picture, in pixels; 0 before the first. patch_name: the patch's file
    name, without its folders. patch_version: of the patch's newest text, whether it plays or not.
    render_alive: False while there is no render process; the last picture is held until it is back.
    rolled: the line of the patch's text that dice propose, `ROLLING` while they roll, "" if there is none.
    """

    phase: Phase = "starting"
    playing_version: int | None = None
    opened_in: float = 0.0
    fps: float = 0.0
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
    device: str = ""
    outputs: tuple[str, ...] = ()
    errors: tuple[Problem, ...] = ()
    pending_trust: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    patch_name: str = ""
    patch_version: int = 0
    render_alive: bool = True
    rolled: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the main output's newest picture, in pixels."""
        return self.width, self.height

    @property
    def news(self) -> Status:
        """The status without the numbers that change with every frame: what is to be told at once when it differs."""
        return msgspec.structs.replace(self, bpm=round(self.bpm, 1), **_STILL)


_STILL = dict.fromkeys(
    ("opened_in", "fps", "frame_ms", "worst_ms", "skipped", "dropped", "frame", "t", "at", "beat"), 0
)


class PatchSource(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="patch"):
    """The patch's newest text, even when it cannot be built and the one before it plays on: errors point into it.

    name: its file's name, without folders. version: changes whenever the text does.
    """

    name: str
    text: str
    version: int
