"""The host half of the noise: places in float64, reduced to the noise's own period (see `kernels.noise`)."""

from __future__ import annotations

import functools
import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NOISE_TYPES = ("simplex2d", "simplex3d", "simplex4d", "perlin2d", "perlin3d", "perlin4d", "random")

TABLE_PERIOD = 256  # lattice cells after which the tables repeat, along every lattice axis


def coefficients_shape(max_harmonics: int, channels: int = 1) -> tuple[int, int, int, int]:
    """The shape of the array that carries the host values to the device; the same for every type of noise.

    `[octave, channel, axis, (a, b, o, spread^j)]` for max_harmonics + 1 octaves, then one more row with
    `[channel, 0, (key, white, –, –)]` for white noise. dtype float64 (float32 where the device has nothing better).
    """
    return max_harmonics + 2, channels, 4, 4


def noise_coefficients(
    kind: str,
    *,
    max_harmonics: int = 2,
    channels: int = 1,
    seed: float = 1,
    period: float = 1,
    spread: float = 2,
    translate: Sequence[float] = (0, 0, 0),
    translate4d: float = 0,
    rotate: Sequence[float] = (0, 0, 0),
    scale: Sequence[float] = (1, 1, 1),
    pivot: Sequence[float] = (0, 0, 0),
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The host half: what `noise` reads on the device, computed in float64. Any finite or infinite values are safe.

    seed         any number; every number is another field
    period       size of the largest features, in quarters of the picture's longer side; 0 gives white noise
    spread       how much finer each harmonic is than the one before
    translate    x, y, z in lattice cells, subtracted: a growing x moves the field to the right
    translate4d  place along the fourth axis, in lattice cells (4-D types)
    rotate       degrees about x, y, z, applied after `scale`, both about the point −0.5 + pivot
    channels     independent fields to prepare
    out          an array of `coefficients_shape` to fill in place (a staging buffer), float64 or float32. In float32
                 positions are good to about 1e-4 of a cell, in float64 to 1e-9; the device half computes in the same.
    """
    if out is None:
        out = np.empty(coefficients_shape(max_harmonics, channels))
    if out.shape != coefficients_shape(max_harmonics, channels):
        raise ValueError(f"out must have the shape {coefficients_shape(max_harmonics, channels)}, not {out.shape}")

    moved = np.array([*(-_bounded(x, 1e15) for x in translate), _bounded(translate4d, 1e15)])
    still = _standing(kind, max_harmonics, channels, seed, period, spread, tuple(rotate), tuple(scale), tuple(pivot))
    out[...] = still.coefficients
    if out.dtype == np.float32:  # no digits to spare: everything that stands still is reduced
        out[:-1, :, :, 2] = still.octaves.reduced(still.starts + moved)
    else:
        np.add(still.starts, still.octaves.reduced(moved), out=out[:-1, :, :, 2])
    return out


@dataclass(frozen=True, slots=True)
class _Standing:
    """A field that is not translated. starts: its offsets [octaves, channels, 4], not yet reduced."""

    coefficients: np.ndarray
    starts: np.ndarray
    octaves: _Octaves


@functools.lru_cache(256)
def _standing(
    kind: str,
    max_harmonics: int,
    channels: int,
    seed: float,
    period: float,
    spread: float,
    rotate: tuple[float, ...],
    scale: tuple[float, ...],
    pivot: tuple[float, ...],
) -> _Standing:
    """All that does not depend on a translation: most fields only ever move."""
    period, spread = _bounded(period, 1e9), _bounded(spread, 1e3)
    turn = _rotation(rotate) @ np.diag([_bounded(s, 1e6) for s in scale])
    centre = np.array([_bounded(p, 1e6) for p in pivot]) - 0.5
    still = np.zeros(4)
    still[:3] = centre - turn @ centre
    made = np.zeros(coefficients_shape(max_harmonics, channels))
    with np.errstate(over="ignore"):
        made[:-1, :, :3, :2] = np.clip(turn[:, :2] / period, -1e6, 1e6) if period else 0.0
    made[:-1, :, :, 2] = np.array([_start(seed, channel) for channel in range(channels)]) + still
    for octave in range(max_harmonics + 1):
        made[octave, :, :, 3] = min(max(spread**octave, -1e6), 1e6)
    made[-1, :, 0, 0] = [_hash(seed, channel) & 0xFFFFFF for channel in range(channels)]
    made[-1, :, 0, 1] = kind == "random" or period == 0
    return _Standing(made, made[:-1, :, :, 2].copy(), _Octaves(kind, made[:-1, :1, :1, 3].copy()))


@functools.lru_cache
def period_vectors(kind: str) -> np.ndarray:
    """The translations, [dimensions, dimensions], one a row, after which the first octave of a type repeats itself."""
    cells = TABLE_PERIOD * np.eye(dimensions_of(kind))
    if kind.startswith("simplex"):
        _, unskew = skew_factors(len(cells))
        cells = cells - cells.sum(1, keepdims=True) * unskew
    cells.flags.writeable = False
    return cells


def dimensions_of(kind: str) -> int:
    if kind not in NOISE_TYPES:
        raise ValueError(f"no noise type is called {kind!r}; there are {', '.join(NOISE_TYPES)}")
    return 2 if kind == "random" else int(kind[-2])


def _bounded(value: float, limit: float) -> float:
    """The number, kept where float64 still knows its neighbours; 0 for one that is none."""
    value = float(value)
    return 0.0 if math.isnan(value) else min(max(value, -limit), limit)


def _rotation(degrees: Sequence[float]) -> np.ndarray:
    """The rotation X·Y·Z, [3, 3], from degrees about each axis."""
    matrices = []
    for axis, angle in enumerate(degrees):
        angle = math.radians(math.fmod(_bounded(angle, 1e15), 360))
        matrix = np.eye(3)
        u, v = (axis + 1) % 3, (axis + 2) % 3
        matrix[[u, v, u, v], [u, v, v, u]] = math.cos(angle), math.cos(angle), -math.sin(angle), math.sin(angle)
        matrices.append(matrix)
    return matrices[0] @ matrices[1] @ matrices[2]


def skew_factors(dimensions: int) -> tuple[float, float]:
    """The factors that bring places to simplex lattice cells and back, as the table noise's programs write them.

    Twelve digits, not sixteen: places where three or four simplices meet at exact fractions are common, because
    TouchDesigner starts its fields at half numbers, and there the last digit decides which simplex is taken.
    """
    root = math.sqrt(dimensions + 1)
    return round((root - 1) / dimensions, 12), round((1 - 1 / root) / dimensions, 12)


class _Octaves:
    """The octaves of a type of noise, and their periods.

    Simplex noise skews space before it takes cells, so its periods are oblique: count them in skewed space.
    """

    def __init__(self, kind: str, frequencies: np.ndarray) -> None:
        """`frequencies`: [octaves, 1, 1]."""
        self._frequencies = frequencies
        self._still = frequencies == 0
        self._any_still = bool(self._still.any())
        self._divisors = np.where(self._still, 1, frequencies)
        self._dimensions = dimensions_of(kind)
        self._skew = skew_factors(self._dimensions)[0] if kind.startswith("simplex") else 0.0
        self._vectors = period_vectors(kind)
        self._random = kind == "random"

    def reduced(self, place: np.ndarray) -> np.ndarray:
        """`place` [4] or [octaves, channels, 4], moved by whole periods of each octave: [octaves, channels or 1, 4].
        Untouched where it is near already."""
        if self._random:
            return place
        near = place[..., : self._dimensions]
        cells = near * self._frequencies
        if self._skew:
            cells = cells + np.add.reduce(cells, -1, keepdims=True) * self._skew
        periods = np.rint(cells / TABLE_PERIOD)
        reduced = np.zeros((*cells.shape[:2], 4))
        reduced[..., : self._dimensions] = near - periods @ self._vectors / self._divisors
        return np.where(self._still, place, reduced) if self._any_still else reduced


# Where TouchDesigner starts each seed's field (x, y, z), measured by WebToe.
_MEASURED_STARTS: dict[float, tuple[float | None, ...]] = {
    0: (154.5, 159.5, None),
    1: (428.5, -184.5, 201.0),
    2: (126.5, 114.5, None),
    7: (-374.5, 49.5, -460.0),
}


def _start(seed: float, channel: int) -> tuple[float, float, float, float]:
    """Where a channel's field starts, in lattice cells.

    Measured for some seeds; the others get a hash of the same form (half numbers within ±500 for x and y, whole ones
    for z). Channel 1 was measured as twice channel 0, less a half in x and y; each further channel goes on likewise.
    """
    number = _hash(seed, 0)
    x = (number & 0xFFFF) % 1000 - 499.5
    y = (number >> 16 & 0xFFFF) % 1000 - 499.5
    z = (number >> 32 & 0xFFFF) % 1000 - 500.0
    measured = _MEASURED_STARTS.get(seed, (None, None, None))
    x, y, z = (ours if theirs is None else theirs for ours, theirs in zip((x, y, z), measured))
    return (channel + 1) * x - channel / 2, (channel + 1) * y - channel / 2, (channel + 1) * z, 0.0


def _hash(seed: float, channel: int) -> int:
    """A number of 64 bits from any seed, the same on every machine."""
    packed = struct.pack("<dI", float(seed) + 0.0, channel)  # + 0.0: −0 is 0
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little")
