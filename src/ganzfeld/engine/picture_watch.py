"""Notices that a network's picture shows nothing: numbers that are none (NaN), infinite ones, or everything far beyond
black or white. A wall that went black by overflow would otherwise be black without a word.

What is looked at is the picture as the network made it, as floats and before anything follows it: as bytes a black wall
is a black picture, and what comes after a network makes NaN black. Up to 32 × 32 of its pixels are copied aside: by the
graph where a program is captured (one copy of 16 kB in the frame), else once a second. They are read once a second and
without waiting for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import torch

from ganzfeld.errors import GanzfeldError, PatchError, Where

SIDE = 32
"""Of so many rows and columns at most pixels are looked at."""
LOOK_SECONDS = 1.0
BEYOND = 0.5
"""How far below black (0) or above white (1) all of a picture is before that is told: the black of a night sky is often
a little below 0."""
TOLD_AFTER = 2
"""Looks in a row: a beat may flash white."""


class PictureSample:
    """Some pixels of what a step made last. wanted: they are to be copied with the next frame. always: with every one,
    because a graph does the same each time. is_layer: the picture shows what is inside a network, where every number is
    possible."""

    def __init__(self, *, is_layer: bool = False, always: bool = False) -> None:
        self.is_layer, self.always = is_layer, always
        self.wanted = False
        self.pixels: torch.Tensor | None = None

    def take(self, result: Any) -> None:
        """A step has made this. Reads nothing on the host."""
        self.wanted = False
        if not isinstance(result, torch.Tensor) or result.dim() != 4:
            return
        down, across = (max(1, -(-side // SIDE)) for side in result.shape[2:])
        pixels = result[0, :, ::down, ::across]
        if self.pixels is None or self.pixels.shape != pixels.shape or self.pixels.device != pixels.device:
            self.pixels = torch.empty(pixels.shape, dtype=torch.float32, device=pixels.device)
        self.pixels.copy_(pixels)


class SampledStep(Protocol):
    """A step of a program whose picture is looked at (`ProgramStep`)."""

    sample: PictureSample | None
    graph: Any


class PictureWatch:
    """Looks at the pictures of the program that plays. All methods belong to the render thread."""

    def __init__(self) -> None:
        self._due = self._asked = 0.0
        self._reading: list[tuple[SampledStep, Callable[[], np.ndarray | None]]] = []
        self._bad: dict[str, int] = {}
        self._told: dict[str, GanzfeldError] = {}

    @property
    def problems(self) -> Iterable[GanzfeldError]:
        """What is wrong with pictures now."""
        return self._told.values()

    def forget(self) -> None:
        """Another patch plays."""
        self._reading, self._due = [], 0.0
        self._bad.clear()
        self._told.clear()

    def look(self, steps: Iterable[SampledStep], now: float) -> None:
        """Once a frame, after it was made. now: seconds of a steady clock."""
        if now < self._due:
            return
        if not self._reading:
            for step in steps:
                if step.sample is not None:
                    self._reading.append((step, _reader(step.sample)))
            self._asked = now
            if not self._reading:
                self._due = now + LOOK_SECONDS
            return
        read = [(step, reader()) for step, reader in self._reading]
        if any(pixels is None for _, pixels in read) and now < self._asked + 2 * LOOK_SECONDS:
            return  # not there yet; a variant that plays no more never will be
        self._reading, self._due = [], now + LOOK_SECONDS
        for step, pixels in read:
            if pixels is not None and step.sample is not None:
                self._judge(step.graph.name, step.graph.where, step.sample, pixels)

    def _judge(self, name: str, where: Where, sample: PictureSample, pixels: np.ndarray) -> None:
        what = wrong_with(pixels, is_layer=sample.is_layer)
        if what is None:
            self._bad.pop(name, None)
            self._told.pop(name, None)
            return
        self._bad[name] = self._bad.get(name, 0) + 1
        if self._bad[name] >= TOLD_AFTER:
            hint = "Something that moves or bends it is far too large, or its file is damaged"
            self._told[name] = PatchError(f"{name} {what}", where=where, hint=hint)


def wrong_with(pixels: np.ndarray, *, is_layer: bool = False) -> str | None:
    """What is wrong with a network's picture, float32 [C, H, W] of about 0..1: the rest of a sentence about it. None:
    nothing."""
    finite = np.isfinite(pixels)
    if not finite.all():
        share = 100 * (1 - finite.all(0).mean())
        return f"paints numbers that are none, NaN or infinite, at {share:.0f} % of its pixels"
    if is_layer:
        return None
    least, most = pixels[:3].min((1, 2)), pixels[:3].max((1, 2))
    if ((most < -BEYOND) | (least > 1 + BEYOND)).all():
        ends = f"from {least.min():.3g} to {most.max():.3g}, where 0 is black and 1 white"
        return f"paints nothing that can be seen: its pixels are {ends}"
    return None


def _reader(sample: PictureSample) -> Callable[[], np.ndarray | None]:
    """Begins to read a sample; what it returns gives the pixels when they are there."""
    pixels = sample.pixels
    if pixels is None or pixels.device.type != "cuda":
        sample.wanted = not sample.always
        return lambda: None if sample.wanted or sample.pixels is None else sample.pixels.cpu().numpy().copy()
    with torch.cuda.device(pixels.device):
        host = torch.empty(pixels.shape, dtype=torch.float32, pin_memory=True)
        host.copy_(pixels, non_blocking=True)
        there = torch.cuda.Event()
        there.record()
    return lambda: host.numpy().copy() if there.query() else None
