"""What the studio needs of a running show.

The engine's supervisor fits these protocols by its shape alone, so it imports nothing from here.
Every method may be called from any thread and must return at once (`wait` after its timeout at the latest).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np

CommandName = Literal["pause", "resume", "restart", "trust", "roll", "keep", "back", "tap"]


class ShownFrame(Protocol):
    """One finished picture, lent until `release()`."""

    @property
    def image(self) -> np.ndarray:
        """uint8 [height, width, 4]: sRGB-encoded RGBA, straight alpha, rows from the top; contiguous."""
        ...

    @property
    def number(self) -> int:
        """Counts the pictures shown, from 0. It only grows: over a pause, a seek and a restart of the render."""
        ...

    @property
    def t(self) -> float:
        """The show's time of this picture, in seconds."""
        ...

    def release(self) -> None:
        """Gives the picture's memory back; `image` is not read after this."""
        ...


class Problem(Protocol):
    """An error as the person reads it. Lines and columns count from 1."""

    @property
    def what(self) -> str: ...

    @property
    def hint(self) -> str: ...

    @property
    def file(self) -> str | None: ...

    @property
    def line(self) -> int | None: ...

    @property
    def column(self) -> int | None: ...

    @property
    def address(self) -> str | None: ...


class ShowStatus(Protocol):
    """How the show is doing now."""

    @property
    def fps(self) -> float:
        """Pictures rendered a second, over the last second or so."""
        ...

    @property
    def frame_ms(self) -> float:
        """Time that rendering one picture takes, in milliseconds."""
        ...

    @property
    def frame(self) -> int: ...

    @property
    def t(self) -> float: ...

    @property
    def bpm(self) -> float:
        """The tempo now, in beats a minute."""
        ...

    @property
    def paused(self) -> bool: ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        ...

    @property
    def patch_name(self) -> str:
        """The patch's file name, without its folders."""
        ...

    @property
    def patch_text(self) -> str:
        """The text as last read, even when it is broken and the one before it plays on: errors point into it."""
        ...

    @property
    def patch_version(self) -> int:
        """Changes whenever `patch_text` does."""
        ...

    @property
    def errors(self) -> Sequence[Problem]: ...

    @property
    def render_alive(self) -> bool:
        """False while the render process is down; the last picture is held until it is back."""
        ...

    @property
    def device(self) -> str: ...

    @property
    def pending_trust(self) -> Sequence[str]:
        """Paths of script files that wait for the person's permission to run."""
        ...

    @property
    def halvings(self) -> int:
        """How many times the inner size of networks is halved, to hold the rate that the patch asks for."""
        ...

    @property
    def rolled(self) -> str:
        """The line of `patch_text` that dice propose; "…" while they roll, "" if there is none."""
        ...


class Desk(Protocol):
    """What hands stand at (see `engine.messages.Desk`)."""

    @property
    def knobs(self) -> Sequence[Any]: ...

    @property
    def held(self) -> Iterable[str]: ...

    @property
    def snapshots(self) -> Sequence[Any]: ...

    @property
    def fade(self) -> tuple[float, str, str]: ...

    @property
    def shown(self) -> Sequence[str]: ...

    @property
    def share(self) -> float: ...

    @property
    def waiting(self) -> str | None: ...

    @property
    def at(self) -> tuple[float, float] | None: ...


class Lesson(Protocol):
    """A control that is being learned (see `engine.learning.Lesson`)."""

    @property
    def target(self) -> str | None: ...

    @property
    def control(self) -> str | None: ...

    @property
    def numbers(self) -> Sequence[Any]: ...


class Show(Protocol):
    """A show as its viewers see it."""

    def desk(self) -> Desk:
        """What hands stand at now; the same object while nothing changes."""
        ...

    @property
    def lesson(self) -> Lesson | None:
        """What is being learned, if anything is."""
        ...

    @property
    def keeps_snapshots(self) -> bool:
        """Whether snapshots outlive the show."""
        ...

    def turn(self, address: str, value: Any) -> bool:
        """A hand turns what is at an address; False if there is nothing."""
        ...

    def release(self, address: str) -> None:
        """It goes back to its text."""
        ...

    def hit(self, address: str, *arguments: Any) -> None:
        """An event: "/snapshot/recall", a name, …"""
        ...

    def arrange(self, what: str, *arguments: Any) -> None:
        """Rename, delete, place snapshots, or say how they fade."""
        ...

    def learn(self, target: str | None = None) -> None:
        """Learn the next control that is touched. May raise GanzfeldError, as the two below."""
        ...

    def stop_learning(self) -> None: ...

    def connect(self, target: str, control: str | None) -> float | None:
        """Give a target this control (None: none), and write it down."""
        ...

    def latest(self, newer_than: int) -> ShownFrame | None:
        """The newest picture, or None if its number is not above `newer_than` (−1: any picture will do)."""
        ...

    def wait(self, newer_than: int, timeout: float) -> ShownFrame | None:
        """As `latest`, but blocks up to `timeout` seconds for such a picture. Called from a thread of the studio."""
        ...

    def status(self) -> ShowStatus: ...

    def command(self, name: CommandName, **arguments: str) -> None:
        """ "trust" takes `path`, one of `pending_trust`. "roll" puts a line that dice propose into the patch, in place
        of the one before; "keep" writes it into the file; "back" takes it back, or else the last one kept.

        Raises `GanzfeldError` when it cannot be done; the page shows what it says.
        """
        ...
