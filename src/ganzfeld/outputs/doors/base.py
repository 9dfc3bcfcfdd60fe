"""What a door is, and how a kind of door is made.

A door takes the pictures of one output of a running show to one far end: a display, a film, another program. Each runs
in a process of its own, without torch, that the supervisor starts. It may hang, be killed or crash without cost: the
show goes on, and the door is started again, after pauses that grow.

A kind is one file in `outputs/doors/kinds/`, and nothing else is edited. A template:

    class Blinker(Door):
        '''Lights a lamp with the mean of the picture.

        target: the lamp's name. Pictures with transparency are shown over black.
        '''

        type = "lamp"                      # --to lamp:desk
        alphas = ("opaque",)               # what the far end takes; the first is what it gets unless asked otherwise

        class Options(DoorOptions, frozen=True):
            '''smooth: seconds over which the light follows.'''   # shown by `ganzfeld outputs`

            smooth: Annotated[float, Meta(ge=0, le=10)] = 0.0

        def open(self) -> None:
            import lamps                   # heavy imports here, never at the top

            self._lamp = lamps.find(self.options.target)
            self.way.note(f"{self._lamp.model}")

        def show(self, picture: DoorPicture) -> None:
            self._lamp.set(picture.pixels[..., :3].mean())

        def close(self) -> None:
            self._lamp.close()

        @classmethod
        def missing(cls) -> Problem | None:
            return package_missing("lamps", "ganzfeld[lamps]")

The rules:

- `open`, `show`, `close` and `command` are called on the process's main thread, one after the other. `close` is called
  after a failed `open`, too.
- What goes wrong is an `OutputError` (others are turned into one): the door is closed, the person is told, and the door
  is started again. After a `FinalDoorError` it is not: a full disk, a far end that said no for good.
- A far end that is not there is not an error: say so with `way.wait_for("the display 'DELL'")`, look again later, and
  `way.note(...)` when it is there.
- The size of pictures may change at any time; `show` copes.
- Pictures are picked by time: at most `options.rate` a second, the newest each time, and (with `repeats`) the last one
  again when there is no newer.
- A kind whose far end sets the pace (a display's v-sync) has a `run` of its own.
- A kind writes nothing to the terminal; it logs, and the supervisor shows it.
"""

from __future__ import annotations

import abc
import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

import msgspec
from msgspec import Meta

from ganzfeld.errors import OutputError
from ganzfeld.values.status import Problem

if TYPE_CHECKING:
    import numpy as np

    from ganzfeld.outputs.doors.feed import Feed

Alpha = Literal["straight", "premultiplied", "opaque"]
"""What colours mean where a picture is transparent. straight: as if it were not. premultiplied: multiplied by alpha.
opaque: there is no transparency; the picture was laid over black."""
Region = tuple[
    Annotated[int, Meta(ge=0, le=16384)],
    Annotated[int, Meta(ge=0, le=16384)],
    Annotated[int, Meta(ge=1, le=16384)],
    Annotated[int, Meta(ge=1, le=16384)],
]
LONGEST_TARGET = 1000


class FinalDoorError(OutputError):
    """The door ends with this word, and is not started again."""


class DoorOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What every door can be told; a kind adds its own.

    target: the far end, in the kind's own words. region: x, y, width, height of the part of the picture that is shown,
    in its pixels; None: all of it. rate: pictures a second at most, which the show renders at least; None: every new
    one. alpha: what colours mean where the picture is transparent; None: what the far end takes. master: whether level,
    black and freeze apply; None: as the kind does (films stay clean).
    """

    target: Annotated[str, Meta(max_length=LONGEST_TARGET)] = ""
    region: Region | None = None
    rate: Annotated[float, Meta(gt=0, le=1000)] | None = None
    alpha: Alpha | None = None
    master: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DoorPicture:
    """A picture for a far end.

    pixels: uint8 [height, width, 4], sRGB-encoded RGBA, rows from the top, contiguous; nobody writes into it, and it
    stays as it is. alpha: what its colours mean; the region is cut and the master applied (but see `Door.dims`).
    number: counts the output's pictures from 1. frame, t: of the show (see `values.time.Moment`). stamp: nanoseconds of
    perf_counter when it was published, the clock of the ring of sound. gain: what colours are still to be multiplied
    with: 1 unless the kind `dims`.
    """

    pixels: np.ndarray
    alpha: Alpha
    number: int
    frame: int
    t: float
    stamp: int
    gain: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


class Doorway(Protocol):
    """What a door has of the show. Every method belongs to the main thread."""

    feed: Feed
    name: str
    """What the person calls the door."""
    session: str

    def attend(self) -> bool:
        """Say that the door lives, and do what the supervisor asks (`Door.command`, `Door.change`). To be called at
        least every second. False: it is time to end."""
        ...

    def note(self, text: str) -> None:
        """What to say of the far end, now that it is there: "HDMI-1, 1920 × 1080 at 60 Hz"."""
        ...

    def wait_for(self, what: str) -> None:
        """The far end is not there: "the display 'DELL'"."""
        ...

    def shown(self, picture: DoorPicture) -> None:
        """A picture left: counted for the status."""
        ...

    def refreshed(self, at: float, rate: float) -> None:
        """The far end asked for a picture at this time (perf_counter), as it does so many times a second."""
        ...

    def recorded(self, seconds: float, size: int) -> None:
        """So much is in the film that is open, and on the disk (bytes)."""
        ...

    def keep(self, **options: Any) -> None:
        """A hand changed these options at the far end: they belong into the rig."""
        ...


class Door(abc.ABC):
    """A kind of door. See the head of the file; the docstring is what `ganzfeld outputs` shows.

    type: what it is called on the command line. alphas: what the far end can take, the one it gets by default first.
    dims: the kind multiplies with `DoorPicture.gain` itself (on the GPU), so that a fade costs no processor time.
    repeats: at a fixed rate, the last picture is shown again when there is no newer one. patience: seconds without
    `attend` after which it hangs; opening_patience: the same until it is open. live: whether the master applies unless
    asked otherwise: not to films, which stay clean. by_render: the render process hands the pictures out itself, and
    the door's process looks whether it does. untried: what of this kind we have not run ourselves, and what to take
    instead; it is told wherever the kind is listed.
    """

    type: ClassVar[str]
    alphas: ClassVar[tuple[Alpha, ...]] = ("opaque",)
    dims: ClassVar[bool] = False
    repeats: ClassVar[bool] = False
    live: ClassVar[bool] = True
    by_render: ClassVar[bool] = False
    untried: ClassVar[str] = ""
    patience: ClassVar[float] = 10.0
    opening_patience: ClassVar[float] = 30.0
    Options: ClassVar[type[DoorOptions]] = DoorOptions

    def __init__(self, options: Any, way: Doorway) -> None:
        """options: an instance of this kind's `Options`."""
        self.options = options
        self.way = way

    @abc.abstractmethod
    def open(self) -> None:
        """Open the far end, or begin to wait for it."""

    @abc.abstractmethod
    def show(self, picture: DoorPicture) -> None:
        """Let a picture leave."""

    @abc.abstractmethod
    def close(self) -> None:
        """Finish and let go; also after an error, when it should save what it can."""

    def change(self, options: Any) -> bool:
        """Take other options while open. False: it has to be closed and opened again, which is then done."""
        return False

    def command(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Do something that this kind knows by name. Raises OutputError."""
        raise OutputError(f"a door of the kind '{self.type}' knows no command '{name}'")

    def idle(self) -> None:  # noqa: B027 (most kinds have nothing to do then)
        """Called between pictures, at least ten times a second: look for a far end that was not there, pump events."""

    def run(self) -> None:
        """Show pictures until the end. For far ends that set the pace themselves, this is written anew:

        while self.way.attend():
            picture = self.way.feed.newest()   # the same object as before while nothing changed
            ...
            self.way.shown(picture)
        """
        rate, feed, last = self.options.rate, self.way.feed, None
        start, place = time.perf_counter(), 0
        while self.way.attend():
            self.idle()
            if rate is None:
                picture = feed.wait(IDLE_SECONDS)
            else:
                ahead = start + place / rate - time.perf_counter()
                if ahead > 0:
                    time.sleep(min(ahead, IDLE_SECONDS))
                    continue
                place = max(place + 1, int(-ahead * rate) + place)
                picture = feed.newest()
            if picture is not None and (picture is not last or (rate is not None and self.repeats)):
                self.show(picture)
                self.way.shown(picture)
                last = picture

    @classmethod
    def missing(cls) -> Problem | None:
        """Why this kind cannot work on this machine, and in `hint` the one command that mends it; None: it can."""
        return None

    @classmethod
    def found(cls) -> list[str]:
        """Far ends that were found on this machine, a line each, for `ganzfeld outputs`. May take a second. Raises
        OutputError where nothing can be looked for: there is no desktop."""
        return []

    @classmethod  # noqa: B027 (most kinds leave nothing)
    def sweep(cls, name: str, options: Any) -> None:
        """Remove what a door of these options left behind when it was killed. Called in the supervisor's process."""


IDLE_SECONDS = 0.05


def package_missing(module: str, install: str, *, why: str = "") -> Problem | None:
    """A problem if the module is not installed, with what installs it: `pip install "ganzfeld[ndi]"`."""
    if importlib.util.find_spec(module) is not None:
        return None
    return Problem(why or f"the package {module} is missing", f'pip install "{install}"')
