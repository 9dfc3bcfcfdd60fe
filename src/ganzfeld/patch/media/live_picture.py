"""What nodes share that show a source which sends by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from ganzfeld.kernels.alpha import from_rgba8
from ganzfeld.patch.media.live_sources import LiveSource, nothing
from ganzfeld.patch.node import Named, Node, PrepareContext, RenderContext, SetupContext, Structure

LARGEST_SIDE = 8192
LONGEST_NAME = 200


def checked_size(value: Any) -> tuple[int, int]:
    """The size of a source's pictures, from a patch. Raises ValueError."""
    sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"a size is (width, height) in whole pixels, up to {LARGEST_SIDE}")
    return sides


def checked_name(value: Any) -> str:
    """The name of a sender, from a patch. Raises ValueError."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
        raise ValueError("a sender's name in quotes")
    return value


class LivePicture(Node):
    """Base of nodes that show the newest picture of a source. A type says what it is by `source`, and has `size`.

    transparent: whether there is nothing, rather than black, before the first picture.
    """

    transparent: ClassVar[bool] = False

    def source(self, context: SetupContext) -> tuple[str, dict[str, Any]]:
        """The kind of feeder, and what it takes besides width and height. Raises PatchError."""
        raise NotImplementedError

    def setup(self, context: SetupContext) -> None:
        kind, options = self.source(context)
        width, height = context.structure.size
        options |= {"width": width, "height": height}
        self._shown: np.ndarray | None = None
        self._given: Any = None
        first = nothing(width, height, transparent=self.transparent)
        if context.resources.replays:
            self._given = first
        self.live = opened(context, kind, first, options)

    def picture_size(self, structure: Named) -> tuple[int, int] | None:
        return structure.size

    def taken(self) -> Any:
        return self._shown

    def give(self, what: Any) -> None:
        self._given = what

    def prepare(self, context: PrepareContext) -> None:
        shown = self._shown = self.live.newest() if self._given is None else self._given
        context.stage("picture", shown)
        if self._given is None and self.live.problem is not None:
            context.report(self.live.problem)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> Any:
        picture: torch.Tensor = from_rgba8(context.staged.picture)
        return picture


class SenderPicture(LivePicture):
    """Base of those whose source has a name, and a kind of feeder of the type's own word."""

    transparent = True
    needs = "a sender"

    name = Structure("", "The sender's name; left out, the first one.", check=checked_name)
    size = Structure((1280, 720), "(width, height) in pixels; a picture of another shape is cropped.",
                     check=checked_size)  # fmt: skip

    def source(self, context: SetupContext) -> tuple[str, dict[str, Any]]:
        return self.word, {"name": context.structure.name}


def opened(context: SetupContext, kind: str, first: np.ndarray, options: dict[str, Any]) -> LiveSource:
    """One source for all that show it, over every change of the patch: a camera cannot be opened twice."""
    name = " ".join([kind, *(f"{value}" for value in options.values())])
    return context.resources.open(name, Path(name), lambda _: LiveSource(kind, first, **options))
