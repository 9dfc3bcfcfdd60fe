"""An engine of a few lines, so that a render process starts in a blink and does on command what real ones do by
accident. It is told what to do by the patch's text, one word a line, and shows what it knows in its pixels.

    grey 7         the picture's second pixel        error          cannot be built
    size 8 4       width and height (4 × 2)          die            the process kills itself when this is built
    out left       another output's name             die-after 5    … at the fifth frame from then on
    fps 30                                           hang           a frame that never ends
    bpm 90 midi    the tempo, and what it follows
    run s.txt      as a script: a word in a file     fail           every frame raises
    open s.txt     the same, when it is built
                                                     miss a.txt     cannot be built while there is no such file

A file that is run holds a grey for the second pixel, or: exit, hang, sleep, kill, interrupt, leave, fork,
become (another program), leave-copy, lock (hold Python's lock in C), damage (nothing can be built or drawn in this
process from then on), wreck (what plays goes on, but no text can be built any more). `import t` does what t.py beside
it says.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np

from ganzfeld.engine.snapshots.bank import decode_bank, encode_bank
from ganzfeld.engine.snapshots.snapshots import LiveSnapshots
from ganzfeld.errors import PatchError, Where
from ganzfeld.patch.node import Part
from ganzfeld.process.dependencies import Dependencies, hazards_of
from ganzfeld.values.frames import FrameWriter
from ganzfeld.values.hazards import Hazards, NeverReturned, stamp_of
from ganzfeld.values.looking import CellPlace
from ganzfeld.values.outside import Outside

DAMAGED, WRECKED = threading.Event(), threading.Event()

HITS, GREY, TURNED, OUTSIDE, STATE = range(5)
"""What the pixels of the first row say."""


WORDS = ["grey", "size", "out", "fps", "bpm", "error", "die", "die-after", "hang", "fail", "script", "run", "miss"]


class FakePatch(dict):
    """What a text says. version: which of the show's texts it is."""

    version = 0


def parse(text: str, file: str | None, version: int = 0) -> FakePatch:
    patch = FakePatch(file=file, text=text)
    patch.version = version
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not line.startswith("#"):
            word, *values = line.split()
            if word not in (
                "grey",
                "size",
                "out",
                "fps",
                "bpm",
                "error",
                "die",
                "die-after",
                "hang",
                "fail",
                "script",
                "run",
                "miss",
                "open",
            ):
                raise PatchError(f"no word '{word}'", where=Where(file, number, 1))
            patch[word] = values
    return patch


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def obey(word: str) -> int:
    match word.strip():
        case "exit":
            os._exit(3)
        case "hang":
            while True:
                pass
        case "sleep":
            time.sleep(1000)
        case "kill":
            die()
        case "damage":
            DAMAGED.set()
            return 5
        case "wreck":
            WRECKED.set()
            return 6
        case "interrupt":
            raise KeyboardInterrupt
        case "lock":
            re.match("(a|a)*b", "a" * 60)
        case "leave":
            raise GeneratorExit
        case "fork":
            os.fork()
            return 5
        case "become":
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"])
        case "leave-copy":
            if os.fork():
                os._exit(3)
            time.sleep(8)
        case "later":
            threading.Timer(0.2, die).start()
            return 5
    return int(word)


class FakeOnlooker:
    """Draws an atlas of one pixel for each view: its size, and the last letter of its node as its number."""

    def __init__(self) -> None:
        self.views: tuple = ()
        self.number = os.getpid() % 1000

    def look(self, views: tuple) -> None:
        self.views = tuple(views)
        self.number += 1

    def take(self) -> SimpleNamespace | None:
        if not self.views:
            return None
        picture = np.zeros((2, 256, 4), np.uint8)
        numbers = picture[1:].reshape(-1).view(np.float32)
        numbers[0] = self.number
        for place, view in enumerate(self.views):
            picture[0, place] = view.size % 256
            numbers[1 + place] = ord(view.node[-1])
        places = tuple(CellPlace(place, 0, 1, 1, 1 + place, 1) for place in range(len(self.views)))
        return SimpleNamespace(number=self.number, views=self.views, places=places, shown=1, rows=1, picture=picture)


class FakeEngine:
    does_without = False
    is_plain = False
    hold = None
    unforeseen = 0

    def __init__(self, device: str, hazards: Hazards | None = None) -> None:
        self.hazards = hazards or Hazards()
        self.set_aside: dict[Path, str] = {}
        self.kept: dict[Path, Path] = {}
        self.networks: dict[Path, Path] = {}
        self.stamps: dict[Path, int] = {}
        self.ran = 0
        if device == "none":
            raise PatchError("The device 'none' cannot be used", hint="Try --device cpu")
        self.device = SimpleNamespace(type="fake")
        self.outside = Outside()
        self.patch: FakePatch | None = None
        self.turned: dict[str, int] = {}
        self.problems: list = []
        self.pending_trust: list[Path] = []
        self.watched: set[Path] = set()
        self.parts = []
        self.graph = SimpleNamespace(
            number=1,
            slots={
                "/grey": SimpleNamespace(
                    address="/grey",
                    kind="value",
                    text="0",
                    reference="grey",
                    parameter=None,
                    knob=None,
                    expression=SimpleNamespace(hits=frozenset({"/drum"}), addresses=("/x",)),
                )
            },
            patch=SimpleNamespace(knobs={}),
        )
        self.is_building, self.ready = False, (0, 0.0)
        self.failed: tuple | None = None
        self.snapshots = LiveSnapshots()
        self.values = {"/grey": 0}
        self.hits = self.state = self.frames = self.halvings = 0
        self.frame_seconds = 0.0
        self.onlooker = FakeOnlooker()

    @property
    def bpm(self) -> float | None:
        return float(self.patch["bpm"][0]) if self.patch and "bpm" in self.patch else 120.0

    @property
    def follow(self) -> str | None:
        return self.patch["bpm"][1] if self.patch and len(self.patch.get("bpm", ())) > 1 else None

    floor = None

    @property
    def outs(self) -> dict:
        if self.patch is None:
            return {}
        fps = float(self.patch.get("fps", ["60"])[0])
        return {name: SimpleNamespace(size=None, fps=fps) for name in self.patch.get("out", ["out"])}

    def expect_with(self, expect) -> None:
        pass

    def load(self, text: str, path: Path | None, version: int = 0, without_kernels: bool = False) -> None:
        patch = parse(text, str(path), version)
        if "error" in patch:
            raise PatchError("this cannot be built", where=Where(str(path), 1))
        if "die" in patch:
            die()
        for file in map(Path, patch.get("open", ())):
            self.hazards.run("opening", file, 60, lambda file=file: obey(file.read_text()))
        if DAMAGED.is_set():
            raise KeyError("warnings")
        self.stamps.update({Path(file): stamp_of(file) for file in patch.get("miss", ())})
        missing = [Path(file) for file in patch.get("miss", ()) if not Path(file).exists()]
        if missing and not self.does_without:
            self.watched, self.failed = set(missing), (text, path, version)
            raise PatchError(f"there is no {missing[0].name}")
        self.failed = (text, path, version) if missing else None
        self.patch, self.frames = patch, 0
        self.problems = [PatchError(f"there is no {file.name}") for file in missing]
        self.pending_trust = [Path(file) for file in patch.get("script", ())]
        self.watched = {*missing, *self.pending_trust, *map(Path, patch.get("run", ()))}
        self.parts: list[Part] = []

    def text_of(self, script: Path) -> str:
        """A script's text, or that of the one module beside it that it imports."""
        text = script.read_text()
        if not text.startswith("import "):
            return text
        module = script.with_name(f"{text.split()[1]}.py")
        self.parts = [Part(module, script, stamp_of(module))]
        self.watched |= {module}
        return module.read_text()

    def run(self, file: Path) -> int:
        """What the file says, done as a script would."""
        if file in self.set_aside:
            return self.ran
        try:
            self.ran = self.hazards.run("running", file, 0.5, lambda: obey(self.text_of(file)))
        except NeverReturned:
            self.set_aside[file] = "did not return"
        except BaseException as error:
            self.problems = [PatchError(f"{file.name}: {type(error).__name__}")]
        else:
            self.problems = self.problems if self.unforeseen else []
        return self.ran

    def submit(self, text: str, path: Path | None, version: int = 0, anew: bool = False, at_once: bool = False) -> None:
        if WRECKED.is_set():
            self.unforeseen += 1
            self.problems = [PatchError("Building the patch failed: TypeError")]
            return
        try:
            self.load(text, path, version)
        except PatchError as error:
            self.problems = [error]

    def tell_taken_again(self) -> None:
        pass

    def set(self, address: str, value: int) -> None:
        if address != "/grey":
            raise PatchError(f"There is nothing at {address}")
        self.turned[address] = value

    def release(self, address: str) -> None:
        self.turned.pop(address, None)

    @property
    def is_damaged(self) -> bool:
        return self.unforeseen >= 2

    def load_snapshots(self, bank: bytes, anew: bool = False) -> None:
        self.snapshots.bank = decode_bank(bank)

    def store(self, name: str) -> None:
        self.snapshots.bank = self.snapshots.bank.with_values(name, dict(self.turned))

    def arrange(self, what: str, *arguments) -> None:
        self.snapshots.arrange(what, *arguments)

    def notice(self, path: Path) -> None:
        self.set_aside.pop(path, None)
        self.hazards.mended(path)
        if self.failed is not None:
            self.submit(*self.failed)
            return
        self.state += 50

    def trust(self, path: Path) -> None:
        self.pending_trust.remove(path)

    def frame(self, moment) -> dict[str, np.ndarray]:
        self.frames += 1
        patch = self.patch
        if patch is None:
            return {}
        if DAMAGED.is_set():
            raise KeyError("warnings")
        if "die-after" in patch and self.frames >= int(patch["die-after"][0]):
            die()
        if "hang" in patch:
            time.sleep(1000)
        if "fail" in patch:
            raise RuntimeError("a bug")
        inbox = self.outside.take()
        self.values = {"/grey": self.turned.get("/grey", 0)}
        self.hits += len(inbox.hits)
        width, height = map(int, patch.get("size", (8, 2)))
        picture = np.zeros((height, width, 4), np.uint8)
        picture[0, HITS] = self.hits
        picture[0, GREY] = int(patch.get("grey", ["0"])[0])
        for file in patch.get("run", ()):
            picture[0, GREY] = self.run(Path(file))
        picture[0, TURNED] = self.turned.get("/grey", 0)
        picture[0, OUTSIDE] = inbox.value("/x", 0)
        picture[0, STATE] = self.state
        return dict.fromkeys(self.outs, picture)

    def checkpoint(self, *, whole: bool = False) -> bytes:
        bank = encode_bank(self.snapshots.bank)
        return msgspec.msgpack.encode([self.hits, self.state, self.turned, self.outside.values(), bank, self.ran])

    def restore(self, data: bytes) -> None:
        self.hits, self.state, self.turned, values, bank, self.ran = msgspec.msgpack.decode(data)
        self.snapshots.bank = decode_bank(bank)
        for address, value in values.items():
            self.outside.set(address, value)

    def close(self) -> None:
        pass


def fake_dependencies() -> Dependencies:
    return Dependencies(
        engine=lambda begin: FakeEngine(begin.device, hazards_of(begin.session)),
        copy=lambda picture, pixels: np.copyto(pixels, picture),
        writer=lambda session, device: FrameWriter(session),
    )


def broken_dependencies() -> Dependencies:
    """As where a library of torch's is missing."""
    raise ImportError("libcudart.so.12: cannot open shared object file")
