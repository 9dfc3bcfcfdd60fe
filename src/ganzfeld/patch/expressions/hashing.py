"""One integer hash for everything random in expressions: the same on every machine, in every run."""

from __future__ import annotations

import numpy as np

_MASK = 0xFFFFFFFFFFFFFFFF


def mix64(value: int, seed: int = 0) -> int:
    """64 random bits that depend on every bit of both integers.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over each in turn.
    """
    z = _finish((seed + 0x9E3779B97F4A7C15) & _MASK)
    return _finish((z ^ value) + 0x9E3779B97F4A7C15 & _MASK)


def mix64_each(values: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """The same for arrays of int64, as uint64."""
    z = _finish_each(seeds.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return _finish_each((z ^ values.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15))


def _finish(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def _finish_each(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
