"""`Player`: the engine inside the caller's own process, at the caller's own pace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.snapshots.bank import encode_bank
from ganzfeld.engine.snapshots.file import SnapshotKeeper, snapshot_path
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.models import Patch
from ganzfeld.patch.text_file import read_text_file
from ganzfeld.values.time import Clock


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. image: the first output, uint8 [H, W, 4] RGBA on the device (or float32, see `Player`); images: every
    output by name."""

    number: int
    t: float
    image: torch.Tensor
    images: Mapping[str, torch.Tensor]


class Player:
    """Plays a patch frame by frame, without a window, a server or a second process.

        player = Player("organ.ganz")
        for frame in player.frames(seconds=10, fps=60):
            frame.image

    The same patch at the same times gives the same frames. What goes wrong on a frame is in `problems`, and the last
    good picture comes again; a patch that cannot be played at all raises PatchError at once.
    """

    def __init__(
        self,
        patch: str | os.PathLike[str] | Patch,
        device: str = "auto",
        *,
        trusted: Callable[[Path], bool] = lambda path: False,
        floats: bool = False,
        sources: Iterable[str] = (),
    ) -> None:
        """`patch`: a file, or a `Patch`. `device`: "auto", "cpu", "cuda", "cuda:1", "mps". `trusted`: asked before a
        script file runs. `floats`: pictures are float32, about 0 to 1 and not clamped, sRGB-encoded as bytes are.
        `sources`: machines that streams may come from."""
        self.engine = Engine(device=device, trusted=trusted, exact=True, floats=floats, sources=sources)
        self.clock = Clock()
        self.beside: list[Callable[[float], None]] = []
        """Called with the show's second before each frame: what plays beside the show."""
        if isinstance(patch, Patch):
            path = Path(patch.file) if patch.file else None
            self.engine.load(patch)
        else:
            path = Path(patch)
            self.engine.load(read_text_file(path), path)
        self._keeper = SnapshotKeeper(snapshot_path(path) if path else None)
        if (bank := self._keeper.read()) is not None:
            self.engine.load_snapshots(encode_bank(bank))
        self.clock.bpm = self.engine.bpm or self.clock.bpm

    @property
    def problems(self) -> list[GanzfeldError]:
        """What is wrong now."""
        kept = self._keeper.problem
        return [*([kept] if kept is not None else []), *self.engine.problems]

    @property
    def snapshots(self) -> list[str]:
        """Names of the patch's snapshots."""
        return list(self.engine.snapshots.bank.snapshots)

    def set(self, address: str, value: Any) -> None:
        """Turn a parameter by hand: `player.set("/face/psi", 0.5)`. Raises PatchError."""
        self.engine.set(address, value)

    def hit(self, address: str, *arguments: Any) -> None:
        """Send an event, as a drum pad would."""
        self.engine.outside.hit(address, *arguments)

    def store(self, name: str) -> None:
        """Keep the last frame's values under this name, in the file beside the patch. Raises GanzfeldError."""
        self.engine.store(name)
        self._keeper.stored(self.engine.snapshots.bank)
        if (failed := self._keeper.write(0.0)) is not None:
            raise failed

    def recall(
        self, name: str | int, fade: float | None = None, unit: str | None = None, when: str | None = None
    ) -> None:
        """From the next frame on, fade to a snapshot (its name, or its number from 1): for `fade` "seconds" or "beats",
        "now", at the next "beat" or "bar"; what is not said is as its file says. Raises GanzfeldError."""
        self.engine.snapshots.bank.find(name)
        self.hit("/snapshot/recall", name, *(word for word in (fade, unit, when) if word is not None))

    def morph(self, x: float, y: float) -> None:
        """From the next frame on, show what lies at (x, y) between the snapshots: 0 to 1 from the left and below."""
        self.hit("/snapshot/morph", float(x), float(y))

    def frame(self, seconds: float) -> Frame:
        """The next frame, `seconds` after the last one."""
        for play in self.beside:
            play(self.clock.next(seconds))
        images = self.engine.frame(self.clock.advance(seconds))
        if not images:
            raise next(iter(self.engine.problems), PatchError("The patch made no picture"))
        return Frame(self.clock.frame, self.clock.t, next(iter(images.values())), images)

    def frames(self, seconds: float | None = None, fps: float = 60.0, count: int | None = None) -> Iterator[Frame]:
        """Frames at `fps`, for `seconds` or for `count` frames, else for ever."""
        if count is None and seconds is not None:
            count = round(seconds * fps)
        made = 0
        while count is None or made < count:
            yield self.frame(1 / fps)
            made += 1

    def close(self) -> None:
        """Stop."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()
