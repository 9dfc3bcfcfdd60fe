"""A show with no engine behind it: the tests push its frames and set its status by hand."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np

from ganzfeld.errors import GanzfeldError

PATCH = """\
# organ.ganz
bpm(124)
push = knob(-2, 3, midi="1/74", osc="/push")

source = noise("simplex2d", amplitude=0.9, tx=phase(0.1))
face   = network("planets", latent=source, psi=0.8)
face.bend("b64", rotat=40*push, channels=0.3, seed=4)

out(face, size=(1024, 1024), fps=60)
"""


@dataclass
class FakeProblem:
    what: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None


@dataclass
class FakeFrame:
    image: np.ndarray
    number: int
    t: float
    released: int = 0

    def release(self) -> None:
        self.released += 1


@dataclass
class FakeStatus:
    fps: float = 60.0
    frame_ms: float = 8.4
    frame: int = 0
    t: float = 0.0
    bpm: float = 120.0
    paused: bool = False
    size: tuple[int, int] = (64, 48)
    patch_name: str = "organ.ganz"
    patch_text: str = PATCH
    patch_version: int = 1
    errors: list[FakeProblem] = field(default_factory=list)
    render_alive: bool = True
    device: str = "cpu"
    pending_trust: list[str] = field(default_factory=list)
    rolled: str = ""
    halvings: int = 0


@dataclass(frozen=True)
class FakeKnob:
    address: str = "/push"
    value: float = 0.5
    position: float = 0.5
    by: str = "text"
    low: float = -2.0
    high: float = 3.0
    curve: float | str = 1.0
    default: float = 0.0
    midi: str | None = None
    osc: str | None = "/push"


@dataclass(frozen=True)
class FakeSnapshot:
    name: str
    at: tuple[float, float] = (0.2, 0.8)
    midi: str | None = None
    misfits: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeDesk:
    knobs: tuple[FakeKnob, ...] = ()
    held: tuple[str, ...] = ()
    snapshots: tuple[FakeSnapshot, ...] = ()
    fade: tuple[float, str, str] = (0.0, "seconds", "now")
    shown: tuple[str, ...] = ()
    share: float = 1.0
    waiting: str | None = None
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class FakeLesson:
    target: str | None = None
    control: str | None = None
    numbers: tuple = ()


class FakeShow:
    """Holds the newest pushed frame, and remembers what it lent and was told to do."""

    def __init__(self) -> None:
        self.now = FakeStatus()
        self.commands: list[tuple[str, dict[str, str]]] = []
        self.refuses: Exception | None = None
        self.desk_now = FakeDesk()
        self.lesson: FakeLesson | None = None
        self.keeps_snapshots = True
        self.done: list[tuple] = []
        self.lent: list[FakeFrame] = []
        self._newest: FakeFrame | None = None
        self._changed = threading.Condition()

    def push(self, image: np.ndarray, number: int | None = None) -> None:
        with self._changed:
            before = self._newest.number if self._newest else -1
            self._newest = FakeFrame(image, before + 1 if number is None else number, time.monotonic())
            self.now.frame = self._newest.number
            self._changed.notify_all()

    def latest(self, newer_than: int) -> FakeFrame | None:
        return self.wait(newer_than, 0)

    def wait(self, newer_than: int, timeout: float) -> FakeFrame | None:
        def is_new() -> bool:
            return self._newest is not None and self._newest.number > newer_than

        with self._changed:
            if not self._changed.wait_for(is_new, timeout):
                return None
            assert self._newest is not None
            lent = FakeFrame(self._newest.image, self._newest.number, self._newest.t)
            self.lent.append(lent)
            return lent

    def status(self) -> FakeStatus:
        return self.now

    def desk(self) -> FakeDesk:
        return self.desk_now

    def _do(self, *what: object) -> None:
        if self.refuses:
            raise self.refuses
        self.done.append(what)

    def turn(self, address: str, value: float) -> bool:
        self._do("turn", address, value)
        return any(knob.address == address for knob in self.desk_now.knobs)

    def release(self, address: str) -> None:
        self._do("release", address)

    def hit(self, address: str, *arguments: object) -> None:
        self._do("hit", address, *arguments)

    def arrange(self, what: str, *arguments: object) -> None:
        self._do("arrange", what, *arguments)

    def learn(self, target: str | None = None) -> None:
        self._do("learn", target)
        self.lesson = FakeLesson(target)

    def stop_learning(self) -> None:
        self._do("stop")
        self.lesson = None

    def connect(self, target: str, control: str | None) -> None:
        self._do("connect", target, control)

    def command(self, name: str, **arguments: str) -> None:
        if self.refuses:
            raise self.refuses
        self.commands.append((name, arguments))
        if name in ("pause", "resume"):
            self.now.paused = name == "pause"
        if name == "roll":
            self.now.rolled = 'face.bend("b16", rotate=20*wander(t/7))'
        if name in ("keep", "back"):
            self.now.rolled = ""
        if name == "trust":
            if arguments["path"] not in self.now.pending_trust:
                raise GanzfeldError("unknown script")
            self.now.pending_trust.remove(arguments["path"])


def flat(value: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture of one grey."""
    image = np.full((height, width, 4), value, np.uint8)
    image[..., 3] = 255
    return image


class Running:
    """Pushes frames at `fps` from a thread, grey going up by 8 from frame to frame, while in its `with`."""

    def __init__(self, show: FakeShow, fps: float = 60) -> None:
        self._show = show
        self._pause = 1 / fps
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(self._pause):
            if not self._show.now.paused:
                self._show.push(flat(number * 8 % 256))
                number += 1
