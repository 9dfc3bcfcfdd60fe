"""The messages between the studio and its page: one msgpack map each, told apart by `kind`.

`web/src/live/wire.ts` is the other end.
"""

from __future__ import annotations

import msgspec

from ganzfeld.studio.desk import FromPage
from ganzfeld.studio.show import CommandName, Problem, ShowStatus


class _Message(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower):
    pass


class Frame(_Message, frozen=True):
    """A picture. `sent` is the studio's clock in Unix seconds when the JPEG was ready."""

    number: int
    t: float
    width: int
    height: int
    sent: float
    jpeg: bytes


class ProblemWords(msgspec.Struct, frozen=True):
    """One error, as in `show.Problem`."""

    what: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None


class Status(_Message, frozen=True):
    """How the show is doing: a few times a second, and at once when anything but the numbers changes."""

    fps: float
    frame_ms: float
    frame: int
    t: float
    bpm: float
    paused: bool
    width: int
    height: int
    device: str
    render_alive: bool
    patch_version: int
    errors: list[ProblemWords]
    pending_trust: list[str]
    rolled: str
    halvings: int

    @classmethod
    def of(cls, status: ShowStatus) -> Status:
        width, height = status.size
        return cls(
            fps=status.fps,
            frame_ms=status.frame_ms,
            frame=status.frame,
            t=status.t,
            bpm=round(status.bpm, 1),
            paused=status.paused,
            width=width,
            height=height,
            device=status.device,
            render_alive=status.render_alive,
            patch_version=status.patch_version,
            errors=[_words(problem) for problem in status.errors],
            pending_trust=list(status.pending_trust),
            rolled=status.rolled,
            halvings=status.halvings,
        )

    @property
    def news(self) -> tuple[object, ...]:
        """What the page must learn at once: everything but the numbers that change with every frame."""
        return (
            self.paused,
            self.width,
            self.height,
            self.device,
            self.halvings,
            self.render_alive,
            self.patch_version,
            self.errors,
            self.pending_trust,
            self.rolled,
            self.bpm,
        )


class Patch(_Message, frozen=True):
    """The patch's text: when a viewer joins, and whenever it changes."""

    name: str
    text: str
    version: int

    @classmethod
    def of(cls, status: ShowStatus) -> Patch:
        return cls(name=status.patch_name, text=status.patch_text, version=status.patch_version)


class Notice(_Message, frozen=True):
    """The answer to a command that could not be done."""

    what: str
    hint: str = ""


class Ack(_Message, frozen=True):
    """From the page: the frame of this number, and all sent before it, are on the screen or passed over."""

    number: int


class Command(_Message, frozen=True):
    """From the page: something to do; `path` goes with "trust"."""

    name: CommandName
    path: str | None = None


encode = msgspec.msgpack.Encoder().encode
decode_from_page = msgspec.msgpack.Decoder(Ack | Command | FromPage).decode


def _words(problem: Problem) -> ProblemWords:
    return ProblemWords(
        what=problem.what,
        hint=problem.hint,
        file=problem.file,
        line=problem.line,
        column=problem.column,
        address=problem.address,
    )
