"""The node `camera`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzfeld.kernels.alpha import from_rgba8
from ganzfeld.patch.media.cameras import Camera
from ganzfeld.patch.node import Node, PrepareContext, RenderContext, SetupContext, Structure

LARGEST_SIDE = 8192


def _device(value: Any) -> str | int | None:
    numbered = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value is not None and not numbered and not (isinstance(value, str) and value):
        raise ValueError('a number (0, 1, …) or a name, such as "/dev/video2"')
    return value


def _size(value: Any) -> tuple[int, int]:
    sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"a size is (width, height) in whole pixels, up to {LARGEST_SIDE}")
    return sides


def _fps(value: Any) -> float:
    if not isinstance(value, int | float) or not 1 <= value <= 1000:
        raise ValueError("pictures per second, from 1 to 1000")
    return float(value)


class CameraNode(Node):
    """The newest picture of a camera. Black until one comes; a camera that is gone is looked for again and again.

    A camera knows no exact time: renders take whatever it shows, as shows do.
    """

    word = "camera"
    examples = ("shown = camera(0, size=(64, 36))",)
    needs = "a camera"

    device = Structure(None, "Which one: 0, 1, … or a name (on Windows always a name); left out, the first.",
                       check=_device)  # fmt: skip
    size = Structure((1280, 720), "(width, height) in pixels; a camera that has no such size is cropped.", check=_size)
    fps = Structure(30.0, "Pictures a second to ask it for.", check=_fps)

    def setup(self, context: SetupContext) -> None:
        device, (width, height), fps = context.structure.device, context.structure.size, context.structure.fps
        # One camera for all that show it, over every change of the patch: a camera cannot be opened twice.
        name = f"camera {device} {width} {height} {fps}"
        self.camera = context.resources.open(name, Path(name), lambda _: Camera(device, width, height, fps))
        self._shown: np.ndarray | None = None
        self._given: np.ndarray | None = None
        if context.resources.replays:
            self._given = np.zeros((height, width, 4), np.uint8)
            self._given[..., 3] = 255

    def taken(self) -> np.ndarray | None:
        return self._shown

    def give(self, what: Any) -> None:
        self._given = what

    def prepare(self, context: PrepareContext) -> None:
        self._shown = self.camera.picture() if self._given is None else self._given
        context.stage("picture", self._shown)
        if self._given is None and self.camera.problem is not None:
            context.report(self.camera.problem)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        return from_rgba8(context.staged.picture)
