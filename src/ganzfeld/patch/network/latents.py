"""Latents on disk and by seed, and the ways between two of them."""

from __future__ import annotations

import functools
import pickle
import zipfile
from pathlib import Path

import numpy as np

from ganzfeld.errors import PatchError
from ganzfeld.seeds import seed_number

LARGEST_FILE = 1 << 30


def read_latents(path: Path) -> tuple[str, np.ndarray]:
    """A file's space ("z" or "w") and its latents, float32 [K, …]. Nothing in the file is run. Raises PatchError."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PatchError(f"{path.name} is larger than {LARGEST_FILE >> 30} GB")
        name, array = _read(path)
    except FileNotFoundError:
        raise PatchError(f"There is no file {path}", hint="Paths start at the patch's own folder") from None
    except (OSError, ValueError, EOFError, KeyError, pickle.UnpicklingError, RuntimeError, zipfile.BadZipFile) as error:
        hint = "Save it with numpy.save, numpy.savez or torch.save (a plain tensor)"
        raise PatchError(f"{path.name} holds no latents that can be read: {error}", hint=hint) from None
    if array.dtype.kind not in "fiu" or not 1 <= array.ndim <= 3 or array.size == 0:
        raise PatchError(f"{path.name} holds {array.dtype} {array.shape}, not latents", hint="[K, z_dim] is expected")
    array = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(array).all():
        raise PatchError(f"{path.name} holds numbers that are not finite")
    in_w = name.startswith("w") or array.ndim == 3
    if array.ndim == 1 or (in_w and array.ndim == 2):
        array = array[None]
    return ("w" if in_w else "z"), array


def _read(path: Path) -> tuple[str, np.ndarray]:
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return "", loaded
        with loaded:
            return _preferred({name: loaded[name] for name in loaded.files})
    if suffix in (".pt", ".pth"):
        import torch

        loaded = torch.load(path, map_location="cpu", weights_only=True)
        tensors = loaded if isinstance(loaded, dict) else {"": loaded}
        return _preferred({name: t.numpy() for name, t in tensors.items() if isinstance(t, torch.Tensor)})
    raise ValueError(f"'{suffix}' is none of .npy, .npz, .pt")


def _preferred(arrays: dict[str, np.ndarray]) -> tuple[str, np.ndarray]:
    for name in ("w", "ws", "w_plus", "z", "latent", "latents"):
        if name in arrays:
            return name, arrays[name]
    name = next(iter(arrays))
    return name, arrays[name]


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
