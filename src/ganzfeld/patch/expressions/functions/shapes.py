"""Shapes of a phase counted in cycles, and randomness. Without a phase they run once a beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ganzfeld.patch.expressions.hashing import mix64, mix64_each
from ganzfeld.patch.expressions.vocabulary import Kind, Reads, Result, Seed, UsageError, function
from ganzfeld.seeds import COUNT

BEAT: Any = Reads("beat")


@function(example="ramp(beat/4)", channels=True)
def ramp(x: float = BEAT) -> float:
    """Rises from 0 to 1 in each cycle and starts again."""
    return x % 1.0


@function(example="saw(beat)", channels=True)
def saw(x: float = BEAT) -> float:
    """Jumps to 1 at each cycle's start and falls to 0: the mirror image of ramp."""
    return 1.0 - x % 1.0


@function(example="tri(beat/2)", channels=True)
def tri(x: float = BEAT) -> float:
    """From 0 to 1 at the middle of each cycle and back, in straight lines."""
    return 1.0 - abs(2.0 * (x % 1.0) - 1.0)


@function(
    example="square(beat)",
    result=Result(Kind.NUMBER, (0, 1)),
    channels=lambda x: np.where(x % 1.0 < 0.5, 1.0, 0.0),
)
def square(x: float = BEAT) -> int:
    """1 in the first half of each cycle, 0 in the second."""
    return 1 if x % 1.0 < 0.5 else 0


@function(
    example="pulse(beat, 0.1)",
    result=Result(Kind.NUMBER, (0, 1)),
    channels=lambda x, width: np.where(x % 1.0 < width, 1.0, 0.0),
)
def pulse(x: float = BEAT, width: float = 0.1) -> int:
    """1 for this share of each cycle from its start (0 to 1), else 0."""
    return 1 if x % 1.0 < width else 0


def _rand(x: Any, seed: Any) -> np.ndarray:
    return (mix64_each(_whole(x), _whole(seed) % COUNT) >> np.uint64(11)) * 2.0**-53


def _whole(x: Any) -> np.ndarray:
    """The floor as an integer; numbers without bound as 0, and a whole one stays exact."""
    floor = np.floor(np.asarray(x))
    return np.where(np.abs(floor) < 2.0**63, floor, 0).astype(np.int64)


@function(example="rand(beat/2, seed=3)", channels=_rand)
def rand(x: float = BEAT, seed: Seed = 0) -> float:
    """A random number, 0 to below 1, anew at each whole number that x passes; the same for the same x and seed."""
    return (mix64(math.floor(x), math.floor(seed) % COUNT) >> 11) * 2.0**-53


def _wander(x: Any, seed: Any) -> np.ndarray:
    x, seed = np.asarray(x, np.float64), _whole(seed) % COUNT
    whole = np.floor(x)
    u = x - whole
    (height, slope), (next_height, next_slope) = (_posts(_whole(whole + k), seed) for k in (0, 1))
    start, end = height + slope * u, next_height + next_slope * (u - 1)
    return start + (end - start) * (u * u * u * (u * (u * 6 - 15) + 10))


def _posts(whole: np.ndarray, salt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `_post`."""
    bits = mix64_each(whole, salt)
    high, low = bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)
    return high / 0xFFFFFFFF * 1.2 - 0.6, low / 0xFFFFFFFF * 1.6 - 0.8


@function(example="wander(t/3)", channels=_wander)
def wander(x: float = BEAT, seed: Seed = 0) -> float:
    """Smooth noise, −1 to 1, that turns about once for each 1 that x grows. Never repeats; another seed, another path.

    Value–gradient noise: every whole x has a random height and slope, joined so that slope and curvature are continuous
    (Perlin's quintic fade, 2002).
    """
    whole = math.floor(x)
    u = x - whole
    salt = math.floor(seed) % COUNT
    height, slope = _post(whole, salt)
    next_height, next_slope = _post(whole + 1, salt)
    start = height + slope * u
    end = next_height + next_slope * (u - 1)
    return start + (end - start) * (u * u * u * (u * (u * 6 - 15) + 10))


@lru_cache(4096)  # from frame to frame the same two are asked for
def _post(whole: int, salt: int) -> tuple[float, float]:
    """The height (±0.6) and slope (±0.8) of the noise at a whole x.

    Between two of them the slopes together add at most half of 0.8, so that the noise stays within ±1.
    """
    bits = mix64(whole, salt)
    return (bits >> 32) / 0xFFFFFFFF * 1.2 - 0.6, (bits & 0xFFFFFFFF) / 0xFFFFFFFF * 1.6 - 0.8


EASINGS: Mapping[str, Callable[[float], float]] = {
    "linear": lambda u: u,
    "in": lambda u: u * u,
    "out": lambda u: u * (2 - u),
    "inout": lambda u: u * u * (3 - 2 * u),
}
"""Curves from 0 to 1 for u from 0 to 1. in: starts gently; out: arrives gently; inout: both."""


def easing(kind: str) -> Callable[[float], float]:
    """The curve of this name."""
    if kind not in EASINGS:
        raise UsageError(f"there is no easing '{kind}'", f"Choose one of {', '.join(EASINGS)}")
    return EASINGS[kind]


@function(
    example='ease(ramp(beat), "out")',
    prepare={"kind": easing},
    channels=lambda x, kind: kind(np.clip(x, 0.0, 1.0)),
)
def ease(x: float, kind: str = "inout") -> float:
    """Bends a straight 0 to 1 into a curve: linear, in (starts gently), out (arrives gently), inout (both). Clamped."""
    curve: Callable[[float], float] = kind  # type: ignore[assignment]  # prepared
    return curve(0.0 if x < 0 else 1.0 if x > 1 else x)
