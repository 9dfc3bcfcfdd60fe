"""The node `seeds`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import PatchError
from ganzfeld.patch.network.latents import read_latents, seed_latent, slerp
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
    Toggle,
)
from ganzfeld.seeds import listed_seeds, seed_number

MOST = 100_000
_FILES = (".npy", ".npz", ".pt", ".pth")


def _keys(value: Any) -> str | tuple[int, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value.lower().endswith(_FILES):
            return value
        parts = listed_seeds(value)
        if sum(map(len, parts)) > MOST:
            raise ValueError(f"at most {MOST} seeds")
        return tuple(seed_number(seed) for part in parts for seed in part)
    seeds = value if isinstance(value, list | tuple) else [value]
    if not seeds or any(isinstance(seed, bool | list | tuple) or seed is None for seed in seeds):
        raise ValueError('seeds are whole numbers, words, "0-15", or a file of keyframes (.npy, .npz, .pt)')
    return tuple(map(seed_number, seeds))


_EASES = {
    "none": lambda x: x,
    "in": lambda x: x * x,
    "out": lambda x: 1 - (1 - x) ** 2,
    "inout": lambda x: x * x * (3 - 2 * x),
    "hold": lambda x: 0.0,
}


class SeedsNode(Node):
    """Walk from seed to seed, or through keyframes from a file.

    `seeds("0-15")` visits these in turn; `seeds()` goes on for ever through 0, 1, 2, …; a file holds keyframes
    [K, z_dim]. In z the way is an arc (slerp); in w it is straight, which is smoother and keeps to likelier pictures.
    The same seed gives the same picture everywhere: z is `numpy.random.RandomState(seed).randn(1, z_dim)`. A seed is a
    whole number, modulo 2³², or a word.
    """

    word = "seeds"
    makes = ("latent",)
    examples = (
        'shown = seeds("0-3", speed=3)',
        'shown = seeds([3, "rain", -1], beats=4, loop=False)',
        'shown = seeds("latents.npy", position=t)',
    )

    keys = Structure(None, 'Seeds to visit ("0-15", "rain", [3, 7, 21]), or a file of keyframes.', check=_keys)
    speed = HostValue(0.25, "Seeds a second.", range=(-4, 4), limits=(-1000, 1000), unit="seeds/s")
    beats = HostValue(0, "Beats from one seed to the next; above 0, the walk keeps to the beat and not to `speed`.",
                      range=(0, 32), limits=(0, 1e6), unit="beats")  # fmt: skip
    position = HostValue(
        0, "Added to the walk: where in the list it is, in seeds.", range=(0, 16), limits=(-1e12, 1e12)
    )
    space = Choice("w", "Where the way between two seeds is straight.", options=("w", "z"))
    ease = Choice("inout", "How it leaves and reaches a seed.", options=tuple(_EASES))
    loop = Toggle(True, "After the last, the first again; off, it stays at the last.")

    def setup(self, context: SetupContext) -> None:
        self.keyframes: np.ndarray | None = None
        self.path: Path | None = None
        keys = context.structure.keys
        if not isinstance(keys, str):
            return
        self.path = context.resources.resolve(keys)
        try:
            space, rows = context.resources.open("latents", self.path, read_latents)
        except PatchError as error:
            context.do_without(context.refuse(error.what, "keys", error.hint))
            self.keyframes = np.zeros((1, 0))
            return
        if space != "z" or rows.ndim != 2:
            raise context.refuse(f"{self.path.name} holds no keyframes [K, z_dim]: its shape is {rows.shape}", "keys")
        self.keyframes = rows.astype(np.float64)

    def watched(self) -> tuple[Path, ...]:
        return (self.path,) if self.path else ()

    def _key(self, number: int, keys: Any, loop: bool, dim: int) -> np.ndarray:
        count = len(self.keyframes) if self.keyframes is not None else len(keys) if keys is not None else 0
        if count:
            number = number % count if loop else min(max(number, 0), count - 1)
        if self.keyframes is not None:
            row = self.keyframes[number] if self.keyframes.size else np.zeros(dim)
            if len(row) != dim:
                raise PatchError(f"{self.path} holds keyframes of {len(row)} numbers; the network wants {dim}")
            return row
        return seed_latent(keys[number] if keys is not None else number, dim)

    def prepare(self, context: PrepareContext) -> None:
        p, memory, moment = context.parameters, context.memory, context.moment
        if memory.get("frame") != moment.frame:
            # One step a frame, however many readers ask for different sizes.
            memory["walked"] = memory.get("walked", 0.0) + p.speed * moment.dt
            memory["frame"] = moment.frame
        walked = moment.beat / p.beats if p.beats > 0 else memory["walked"]
        place = walked + p.position
        first = math.floor(place)
        share = _EASES[p.ease](place - first)
        assert isinstance(context.request, LatentRequest)
        dim = context.request.dim
        a, b = self._key(first, p["keys"], p.loop, dim), self._key(first + 1, p["keys"], p.loop, dim)
        if p.space == "z":
            context.stage("points", slerp(a, b, share)[None].astype(np.float32))
        else:
            context.stage("points", np.stack([a, b]).astype(np.float32))
            context.stage("weights", np.array([1 - share, share], np.float32))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> Latent:
        if context.parameters.space == "z":
            return Latent(context.staged.points)
        return Latent(context.staged.points, weights=context.staged.weights)
