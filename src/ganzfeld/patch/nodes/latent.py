"""The node `latent`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import PatchError
from ganzfeld.patch.network.latents import read_latents
from ganzfeld.patch.node import (
    Choice,
    HostValue,
    Latent,
    LatentRequest,
    Node,
    PrepareContext,
    RenderContext,
    SetupContext,
    Structure,
)


def _source(value: Any) -> str | tuple[float, ...]:
    if isinstance(value, str):
        return value
    numbers = value if isinstance(value, list | tuple) else [value]
    if not numbers or not all(isinstance(number, int | float) for number in numbers):
        raise ValueError("a file (.npy, .npz, .pt) or a list of numbers")
    return tuple(float(number) for number in numbers)


class LatentNode(Node):
    """A latent from a file (.npy, .npz or .pt, as projectors write them), from numbers of your own, or from another
    program: `latent(osc("/z", 0))` follows a list of numbers that comes by OSC.

    A file holds [z_dim], several [K, z_dim], or, in w, [num_ws, w_dim] or [K, num_ws, w_dim]. `index` walks through
    several, a fraction between two mixes them. A short list of numbers is repeated to the length that is needed.
    """

    word = "latent"
    makes = ("latent",)
    examples = (
        'shown = latent("latents.npy", index=t)',
        "shown = latent([0.5, -1, 2])",
        'shown = latent(osc("/z", [0.5, -1, 2]))',
    )

    source = Structure((0.0,), "A file, a list of numbers, or an expression that gives one.", check=_source,
                       moving="numbers")  # fmt: skip
    space = Choice("auto", "z, or w (after the mapping); auto takes a file's own word.", options=("auto", "z", "w"))
    index = HostValue(0, "Which of several; a fraction mixes two neighbours, the end joins the beginning.")
    numbers = HostValue(0, "What an expression in the place of `source` gives: a number, or a list of them.",
                        vector=True, range=(-3, 3))  # fmt: skip

    def setup(self, context: SetupContext) -> None:
        self.path: Path | None = None
        self.fits_all = True
        source = context.structure.source
        self.moves = "numbers" in context.given
        if not isinstance(source, str):
            self.file_space, self.rows = "z", np.asarray(source, np.float32)[None]
            return
        self.path, self.fits_all = context.resources.resolve(source), False
        try:
            self.file_space, self.rows = context.resources.open("latents", self.path, read_latents)
        except PatchError as error:
            context.do_without(context.refuse(error.what, "source", error.hint))
            self.file_space, self.rows, self.fits_all = "z", np.zeros((1, 1), np.float32), True

    def watched(self) -> tuple[Path, ...]:
        return (self.path,) if self.path else ()

    def prepare(self, context: PrepareContext) -> None:
        if self.moves:
            numbers = np.atleast_1d(np.asarray(context.parameters.numbers, np.float32))
            dim = context.request.dim if isinstance(context.request, LatentRequest) else len(numbers)
            context.stage("row", np.resize(numbers, dim)[None])
            return
        first, share = divmod(context.parameters.index, 1)
        count = len(self.rows)
        pair = self.rows[[int(first) % count, (int(first) + 1) % count]]
        row = pair[0] + np.float32(share) * (pair[1] - pair[0])
        if self.fits_all and isinstance(context.request, LatentRequest):
            row = np.resize(row, context.request.dim)
        context.stage("row", np.ascontiguousarray(row[None], np.float32))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> Latent:
        space = context.parameters.space
        return Latent(context.staged.row, self.file_space if space == "auto" else space)
