"""Latents on disk and by seed, and the ways between two of them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from ganzfeld.errors import FeederError, PatchError
from ganzfeld.feeders.service import OpenFeeder
from ganzfeld.seeds import seed_number

_PREFERRED = ("w", "ws", "w_plus", "z", "latent", "latents")


def read_latents(path: Path) -> tuple[str, np.ndarray]:
    """A file's space ("z" or "w") and its latents, float32 [K, …]. A feeder reads it. Raises PatchError."""
    try:
        feeder = OpenFeeder("array", path, slots=1)
        try:
            shapes = {name: tuple(shape) for name, _, shape in feeder.facts}
            name = next((name for name in _PREFERRED if name in shapes), next(iter(shapes)))
            if not 1 <= len(shapes[name]) <= 3 or 0 in shapes[name]:
                what = f"{path.name} holds an array of {shapes[name]}, not latents"
                raise PatchError(what, hint="[K, z_dim] is expected")
            array = feeder.ask("read", name=name, tries=2).array
        finally:
            feeder.close()
    except FeederError as error:
        hint = error.hint or "Save it with numpy.save, numpy.savez or torch.save (a plain tensor)"
        raise PatchError(error.what, hint=hint) from None
    if array is None or array.dtype != np.float32 or array.shape != shapes[name]:
        raise PatchError(f"{path.name} has changed while it was read", hint="Save the patch again")
    in_w = name.startswith("w") or array.ndim == 3
    if array.ndim == 1 or (in_w and array.ndim == 2):
        array = array[None]
    return ("w" if in_w else "z"), array


@functools.lru_cache(4096)
def seed_latent(seed: int, dim: int) -> np.ndarray:
    """z of a seed, float64 [dim]: the same as `numpy.random.RandomState(seed).randn(1, dim)`, seeds modulo 2³²."""
    z = np.random.RandomState(seed_number(seed)).randn(1, dim)[0]
    z.flags.writeable = False
    return z


def slerp(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """From a to b along the arc between their directions, while the length goes straight (Shoemake 1985)."""
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if length_a == 0 or length_b == 0:
        return a + share * (b - a)
    cosine = float(np.clip(np.dot(a, b) / (length_a * length_b), -1, 1))
    angle = float(np.arccos(cosine))
    if np.sin(angle) < 1e-6:
        return a + share * (b - a)
    direction = (np.sin((1 - share) * angle) * a / length_a + np.sin(share * angle) * b / length_b) / np.sin(angle)
    return direction * (length_a + share * (length_b - length_a))
