"""A show with no engine behind it: the tests push its frames and set its status by hand."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from msgspec.structs import replace

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.library import ListedPatch
from ganzfeld.process.atlas_store import ShownAtlas
from ganzfeld.process.document.document import Document
from ganzfeld.process.main_output import ShownFrame
from ganzfeld.values.desk import Desk, KnobOnDesk, Lesson
from ganzfeld.values.document import DocumentState
from ganzfeld.values.health import Health
from ganzfeld.values.inputs import Inputs
from ganzfeld.values.looking import CellShown, CellView
from ganzfeld.values.previews import PreviewDrawn, PreviewVariant
from ganzfeld.values.status import MasterStatus, PatchSource, Status

PATCH = """\
# organ.ganz
bpm(124)
push = knob(-2, 3, midi="1/74", osc="/push")

source = noise("simplex2d", amplitude=0.9, tx=phase(0.1))
face   = network("planets", latent=source, psi=0.8)
face.bend("b64", rotat=40*push, channels=0.3, seed=4)

out(face, size=(1024, 1024), fps=60)
"""


KNOB = KnobOnDesk("/push", 0.5, 0.5, low=-2.0, high=3.0, osc="/push")


class FakeShow:
    """Holds the newest pushed frame, and remembers what it was told to do. `now`: its status, to be written to."""

    def __init__(self) -> None:
        self.now = SimpleNamespace(
            fps=60.0,
            frame_ms=8.4,
            frame=0,
            t=0.0,
            bpm=120.0,
            paused=False,
            width=64,
            height=48,
            patch_name="organ.ganz",
            patch_text=PATCH,
            patch_version=1,
            errors=[],
            render_alive=True,
            device="cpu",
            pending_trust=[],
            rolled="",
            rolled_after=0,
            dice_armed=False,
            doors=(),
            master=MasterStatus(),
            take=None,
        )
        self.well = True
        self.commands: list[tuple[str, dict[str, str]]] = []
        self.refuses: Exception | None = None
        self.desk_now = Desk(kept=True)
        self.done: list[tuple] = []
        self.inputs_now = Inputs()
        self.patch_file: Path | None = None
        self.reported: list[tuple[tuple[str, ...], Callable]] = []
        self.pages = {"": FakePage(self)}
        name = f"organ {uuid.uuid4()}"  # nobody else's
        self.document = Document(name, PATCH, None, newest=lambda: self.now.patch_text, play=self.play_text)
        self.previews = FakePreviews()
        self.played_at_once = False
        self.own_patches: list[ListedPatch] = []
        self.looked_at: list[tuple[CellView, ...]] = []
        self._atlas: ShownAtlas | None = None
        self._newest: ShownFrame | None = None
        self._changed = threading.Condition()

    def inputs(self) -> Inputs:
        return self.inputs_now

    def silence_below(self, decibels: float) -> None:
        self._do("silence below", decibels)

    def hear_song(self, song: Path) -> None:
        self._do("hear", song)

    def listen_to(self, device: str) -> None:
        self._do("listen to", device)

    def push(self, image: np.ndarray, number: int | None = None) -> None:
        with self._changed:
            before = self._newest.number if self._newest else -1
            self._newest = ShownFrame(image, before + 1 if number is None else number, time.monotonic())
            self.now.frame = self._newest.number
            self._changed.notify_all()

    def latest(self, newer_than: int) -> ShownFrame | None:
        return self.wait(newer_than, 0)

    def wait(self, newer_than: int, timeout: float) -> ShownFrame | None:
        def is_new() -> bool:
            return self._newest is not None and self._newest.number > newer_than

        with self._changed:
            if not self._changed.wait_for(is_new, timeout):
                return None
            assert self._newest is not None
            return self._newest

    def page(self, picture: str) -> FakePage | None:
        return self.pages.get(picture)

    def status(self) -> Status:
        fields = vars(self.now) | {"errors": tuple(self.now.errors), "pending_trust": tuple(self.now.pending_trust)}
        del fields["patch_text"]
        return Status(**fields)

    def health(self) -> Health:
        return Health(
            ok=self.well, frame_age=0.5, resting=False, render_alive=True, errors=0, fps=60.0, up=9.0, memory_mb=1.0
        )

    def patch_source(self) -> PatchSource:
        return PatchSource(name=self.now.patch_name, text=self.now.patch_text, version=self.now.patch_version)

    def play_text(self, text: str, at_once: bool) -> int:
        self.now.patch_text, self.played_at_once = text, at_once
        self.now.patch_version += 1
        return self.now.patch_version

    def document_state(self) -> DocumentState:
        return self.document.state(self.status())

    def patch_folder(self) -> str:
        return ""

    def report(self, choose: Sequence[str], rate: float, hear: Callable) -> Callable[[], None]:
        """What is asked for stands in `reported`, until it is stopped; a test calls `hear` itself."""
        report = (tuple(choose), hear)
        self.reported.append(report)
        return lambda: self.reported.remove(report)

    def desk(self) -> Desk:
        return self.desk_now

    def teach(self, lesson: Lesson | None) -> None:
        self.desk_now = replace(self.desk_now, lesson=lesson)

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
        self.teach(Lesson(target))

    def stop_learning(self) -> None:
        self._do("stop")
        self.teach(None)

    def touched(self, control: str) -> None:
        self._do("touched", control)
        self.teach(None)

    def connect(self, target: str, control: str | None) -> None:
        self._do("connect", target, control)

    def look(self, views: Sequence[CellView]) -> None:
        with self._changed:
            self.looked_at.append(tuple(views))
            self._changed.notify_all()

    def looks_at(self, *views: CellView, within: float = 10.0) -> bool:
        """Waits until all that is looked at are these."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.looked_at) and self.looked_at[-1] == views, within)

    def push_atlas(self, image: np.ndarray, views: Sequence[CellView], cells: Sequence[CellShown]) -> None:
        with self._changed:
            number = self._atlas.number + 1 if self._atlas else 1
            self._atlas = ShownAtlas(image, number, time.monotonic(), tuple(views), tuple(cells))
            self._changed.notify_all()

    def atlas(self, newer_than: int, timeout: float) -> ShownAtlas | None:
        with self._changed:
            self._changed.wait_for(lambda: self._atlas is not None and self._atlas.number > newer_than, timeout)
            return self._atlas if self._atlas is not None and self._atlas.number > newer_than else None

    def patches(self) -> list[ListedPatch]:
        return self.own_patches

    def keep_as(self, name: str) -> None:
        self._do("keep_as", name)

    def open_patch(self, what: str) -> None:
        self._do("open", what)

    def door(self, do: str, door: str, **options: object) -> None:
        self._do("door", do, door, options)

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
        if name in ("arm", "disarm"):
            self.now.dice_armed = name == "arm"
        if name == "trust":
            if arguments["path"] not in self.now.pending_trust:
                raise GanzfeldError("unknown script")
            self.now.pending_trust.remove(arguments["path"])

    def take_roll(self, line: str) -> None:
        self._do("take roll", line)
        self.now.rolled = ""


class FakePreviews:
    """Draws what a test draws. asked: by asker, what they look at and how they are told; ended: how often they left."""

    def __init__(self) -> None:
        self.asked: dict[Hashable, tuple[int, list[PreviewVariant], Callable[[PreviewDrawn], None], dict]] = {}
        self.ended = 0
        self.draws: Callable[[int, PreviewVariant], PreviewDrawn | None] = lambda index, variant: None

    def draw(self, asker: Hashable, request: int, variants: list, hear: Callable, **document) -> None:
        if not variants:
            self.end(asker)
            return
        self.asked[asker] = (request, list(variants), hear, document)
        for index, variant in enumerate(variants):
            if (drawn := self.draws(index, variant)) is not None:
                hear(replace(drawn, request=request, index=index))

    def end(self, asker: Hashable) -> None:
        self.asked.pop(asker, None)
        self.ended += 1

    @property
    def newest(self) -> tuple[int, list[PreviewVariant], Callable[[PreviewDrawn], None], dict]:
        return next(reversed(self.asked.values()))


class FakePage:
    """What clean pages see: the show's frames."""

    def __init__(self, show: FakeShow) -> None:
        self.wait = show.wait
        self.viewers = self.sent = 0

    def watched(self, viewers: int) -> None:
        self.viewers += viewers

    def shown(self) -> None:
        self.sent += 1


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
