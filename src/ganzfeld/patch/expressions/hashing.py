"""One integer hash for everything random in expressions: the same on every machine, in every run."""

from __future__ import annotations

_MASK = 0xFFFFFFFFFFFFFFFF


def mix64(value: int, seed: int = 0) -> int:
    """64 random bits that depend on every bit of both integers.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over each in turn.
    """
    z = _finish((seed + 0x9E3779B97F4A7C15) & _MASK)
    return _finish((z ^ value) + 0x9E3779B97F4A7C15 & _MASK)


def _finish(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)
