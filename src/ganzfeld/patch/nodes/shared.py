"""The node `shared`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganzfeld.patch.media.live_picture import SenderPicture, opened
from ganzfeld.patch.media.live_sources import LiveSource
from ganzfeld.patch.node import Latent, LatentRequest, PrepareContext, RenderContext, SetupContext, Structure


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", value):
        raise ValueError("a name of up to 16 letters, digits, - and _, in quotes")
    return value


class SharedNode(SenderPicture):
    """What another program of this machine writes into shared memory, as a picture or as a latent.

    That program writes with `ganzfeld_ring.py` (`ganzfeld outputs --files FOLDER`), in bytes or floats. Read as a
    latent, it is the first channel row by row from the top: floats as they are, integers from −1 to 1; too few numbers
    are repeated, further ones left out. So a noise of 1 × 512 floats leads a network whose z has 512 numbers.

    A program that is gone leaves what it wrote last, and is read again when it is back. Takes always keep latents.
    """

    word = "shared"
    makes = ("image", "latent")
    examples = (
        'shown = shared("td", size=(64, 36))',
        'played = network("planets", latent=shared("noise"), psi=0.8, resolution=128)',
    )
    needs = "a program that shares"

    name = Structure("ganzfeld", "The name that the other program writes under.", check=_name)

    def setup(self, context: SetupContext) -> None:
        super().setup(context)
        self._latents: dict[int, LiveSource] = {}
        self._open = lambda dim: opened(
            context, "shared", np.zeros(dim, np.float32), {"name": context.structure.name, "numbers": dim}
        )
        self._numbers: np.ndarray | None = None

    def taken(self) -> Any:
        return self._shown if self._numbers is None else {"numbers": self._numbers.tobytes()}

    def prepare(self, context: PrepareContext) -> None:
        if not isinstance(context.request, LatentRequest):
            super().prepare(context)
            return
        dim = context.request.dim
        if isinstance(self._given, dict):
            numbers = np.resize(np.frombuffer(self._given["numbers"], np.float32), dim)
        elif self._given is not None:
            numbers = np.zeros(dim, np.float32)
        else:
            live = self._latents.get(dim) or self._latents.setdefault(dim, self._open(dim))
            numbers = live.newest()
            if live.problem is not None:
                context.report(live.problem)
        self._numbers = numbers
        context.stage("row", numbers[None])

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> Any:
        if isinstance(context.request, LatentRequest):
            return Latent(context.staged.row)
        return super().render(context, inputs)
