"""TouchDesigner's noise: Perlin and simplex noise in two to four dimensions, and white noise.

The field is a function of place, so it is made in two halves. The **host half**, `noise_coefficients`, turns what a
person sets (period, translate, rotate, …) into a few numbers per octave and channel, in float64 and reduced to the
noise's own period: a translation that has grown for a month is as exact as a fresh one. The **device half**, `noise`,
reads those numbers and draws the picture; it never asks the device for a value, so it can be captured.

    t = (x·a + y·b + o) · spread^j                  position in octave j; (x, y) is the place in the picture
    n = Σ gain^j · basis(t)                         j = 0 … harmonics
    picture = sign(amplitude·n) · |amplitude·n|^exponent + offset

x and y run from −2 to 2 along the picture's longer side, with the origin of both at the bottom left corner, so a
picture shows the same field at every size. The basis is the classic table noise: Perlin's permutation ("Improving
noise", 2002) and the gradients of Gustavson's "Simplex noise demystified" (2005), read through 8-bit tables as on a
GPU of that time. What TouchDesigner makes of it was measured by the WebToe project (MIT).

Known difference: TouchDesigner's starting points are known for the seeds 0, 1, 2 and 7 (0 and 2 in two dimensions
only) and for the first two channels. Elsewhere the look is the same and the values are our own.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ganzfeld.kernels.cuda import noise as cuda
from ganzfeld.kernels.cuda.compiler import available
from ganzfeld.kernels.noise_coefficients import (
    NOISE_TYPES,
    coefficients_shape,
    dimensions_of,
    noise_coefficients,
    period_vectors,
    skew_factors,
)

__all__ = ["NOISE_TYPES", "coefficients_shape", "latent_noise", "noise", "noise_coefficients", "period_vectors"]

Value = float | torch.Tensor
"""A number, or a 0-d tensor on the device that holds it."""

_BATCH_ELEMENTS = 1 << 18  # octaves are drawn together up to this many values: small pictures cost launches, not memory


def noise(
    coefficients: torch.Tensor,
    kind: str,
    width: int,
    height: int,
    *,
    harmonics: Value | None = None,
    gain: Value = 0.7,
    amplitude: Value = 0.5,
    offset: Value = 0.5,
    exponent: Value = 1.0,
    aspect_correct: bool = True,
) -> torch.Tensor:
    """The device half: a picture of noise, float32 [channels, height, width], row 0 at the top.

    coefficients    from `noise_coefficients`, on the device; its shape says how many channels and octaves there are
    kind            one of `NOISE_TYPES`
    harmonics       finer layers over the first, 0 up to the prepared maximum (the default); a fraction fades one in
    gain            strength of each harmonic, relative to the one before
    aspect_correct  measure both axes against the longer side; off, the field is stretched to the picture

    The type, the sizes and `aspect_correct` are structure; the rest may change from frame to frame. The result is
    finite for any values whatever. The first call on a device brings the tables there, so make one before a capture.
    """
    dimensions = dimensions_of(kind)
    octaves, channels = coefficients.shape[0] - 2, coefficients.shape[1] if coefficients.dim() == 4 else 0
    if octaves < 0 or coefficients.shape != coefficients_shape(octaves, channels):
        raise ValueError(f"these are not noise coefficients: shape {tuple(coefficients.shape)}")
    if _fused(coefficients):
        out = torch.empty(channels, height, width, device=coefficients.device)
        layout, amounts = cuda.Layout(0, width * height, width, 1), (harmonics, gain, amplitude, offset, exponent)
        return _on_gpu(coefficients, kind, width, height, amounts, aspect_correct, layout, out)

    total = _white(coefficients[-1, :, 0, 0], width, height)
    if kind != "random":
        weights = _octave_weights(coefficients, harmonics, gain)
        layered = torch.zeros_like(total)
        together = max(1, _BATCH_ELEMENTS // (channels * height * width))
        for first in range(0, octaves + 1, together):
            part = slice(first, min(first + together, octaves + 1))
            points = _positions(coefficients[part], dimensions, width, height, aspect_correct)
            values = (_simplex if kind.startswith("simplex") else _perlin)(points)
            layered = layered + (values * weights[part, None, None, None]).sum(0)
        white = coefficients[-1, :, 0, 1, None, None]
        total = torch.where(white > 0, total, layered)
    value = total * amplitude
    shaped = value.sign() * value.abs() ** exponent + offset
    return torch.nan_to_num(shaped, nan=0.0).clamp(-1e6, 1e6)


def latent_noise(
    coefficients: torch.Tensor,
    kind: str,
    size: int,
    count: int = 1,
    *,
    harmonics: Value | None = None,
    gain: Value = 0.7,
    amplitude: Value = 0.5,
    offset: Value = 0.5,
    exponent: Value = 1.0,
) -> torch.Tensor:
    """Noise as latent vectors, float32 [count, size]: a picture one pixel wide and `size` high, read upwards.

    With coefficients of one channel, several vectors are neighbouring columns of the same field, so they are close to
    each other. With as many channels as vectors, each vector is a field of its own.
    """
    channels = coefficients.shape[1]
    if channels not in (1, count):
        raise ValueError(f"{count} latent vectors need coefficients of 1 or {count} channels, not {channels}")
    if not size:  # of a network that reads classes alone
        return torch.empty(count, 0, device=coefficients.device)
    width = 1 if channels == count else count
    if not size:  # a network of classes alone, whose z has no numbers
        return torch.zeros(count, 0, device=coefficients.device)
    if _fused(coefficients):
        out = torch.empty(count, size, device=coefficients.device)
        layout, amounts = cuda.Layout(size - 1, width * size, -1, size), (harmonics, gain, amplitude, offset, exponent)
        return _on_gpu(coefficients, kind, width, size, amounts, True, layout, out)
    picture = noise(
        coefficients,
        kind,
        width,
        size,
        harmonics=harmonics,
        gain=gain,
        amplitude=amplitude,
        offset=offset,
        exponent=exponent,
    )
    return picture.flip(1).permute(0, 2, 1).reshape(count, size)


def _fused(coefficients: torch.Tensor) -> bool:
    return available(coefficients.device) and coefficients.dtype == torch.float64


def _on_gpu(
    coefficients: torch.Tensor,
    kind: str,
    width: int,
    height: int,
    amounts: tuple[Value | None, ...],
    aspect_correct: bool,
    layout: cuda.Layout,
    out: torch.Tensor,
) -> torch.Tensor:
    """All of it in one launch. amounts: harmonics (None: all there are), gain, amplitude, offset, exponent."""
    dimensions = dimensions_of(kind)
    longer = max(width, height)
    spans = (longer, longer) if aspect_correct else (width, height)
    octaves, channels = coefficients.shape[0] - 1, coefficients.shape[1]
    given = [octaves if each is None else each for each in amounts]
    numbers = tuple(each.to(out) if isinstance(each, torch.Tensor) else float(each) for each in given)
    corner = _KERNELS.get(dimensions, (0.0, 0.0))
    field = cuda.field_bytes(kind, (width, height), spans, octaves, channels, layout, corner, numbers)
    tables = _tables(coefficients.device, dimensions)
    return cuda.noise(coefficients.contiguous(), tables, out, field, kind, width * height)


def _positions(
    coefficients: torch.Tensor, dimensions: int, width: int, height: int, aspect_correct: bool
) -> list[torch.Tensor]:
    """Each pixel's place in the field, one tensor [octaves, channels, height, width] for each axis."""
    across, up = (max(width, height),) * 2 if aspect_correct else (width, height)
    options: dict[str, Any] = {"device": coefficients.device, "dtype": coefficients.dtype}
    x = 4 * (torch.arange(width, **options) + 0.5) / across - 2
    y = 4 * (torch.arange(height - 1, -1, -1, **options) + 0.5)[:, None] / up - 2
    a, b, start, frequency = coefficients[..., None, None].unbind(3)
    return [(x * a[:, :, d] + y * b[:, :, d] + start[:, :, d]) * frequency[:, :, d] for d in range(dimensions)]


def _octave_weights(coefficients: torch.Tensor, harmonics: Value | None, gain: Value) -> torch.Tensor:
    """How much of each octave is in the picture, [octaves]: gain^j, faded out past the last harmonic wanted."""
    octave = torch.arange(coefficients.shape[0] - 2 + 1, device=coefficients.device, dtype=torch.float32)
    weights = torch.pow(gain, octave)
    if harmonics is None:
        return weights
    share = (harmonics + 1 - octave).clamp(0, 1)
    share = torch.where(octave < 1, torch.ones_like(share), share)  # the first layer is always there
    return torch.where(share > 0, weights * share, torch.zeros_like(share))


def _perlin(points: list[torch.Tensor]) -> torch.Tensor:
    """Perlin's gradient noise in the dimensions of `points`, about −1 to 1."""
    lower = [point.floor() for point in points]
    inside = [(point - cell).float() for point, cell in zip(points, lower)]
    cells = [_cell_index(cell) for cell in lower]
    values = []
    for corner in itertools.product((0, 1), repeat=len(points)):
        gradient = _gradients([cell + step for cell, step in zip(cells, corner)])
        values.append(sum(g * (u - step) for g, u, step in zip(gradient, inside, corner)))
    for u in reversed(inside):  # the last axis changes fastest in `values`
        fade = u * u * u * (u * (u * 6 - 15) + 10)
        values = [torch.lerp(a, b, fade) for a, b in zip(values[::2], values[1::2])]
    return values[0]


# Squared reach of a corner's kernel, and the factor that brings the sum to about −1 … 1. In three and four dimensions
# the reach is a little too long, as in the original: the field has tiny steps where simplices meet.
_KERNELS = {2: (0.5, 70.0), 3: (0.6, 32.0), 4: (0.6, 27.0)}


def _simplex(points: list[torch.Tensor]) -> torch.Tensor:
    """Simplex noise in the dimensions of `points`, about −1 to 1.

    A point lies between n + 1 corners. The walk from the first to the last takes one step along each axis, the axis
    of the largest coordinate first; `rank` counts how many coordinates are smaller. Cells and ranks are found in the
    precision of `points`, because where simplices meet the last digit decides (see `skew_factors`).
    """
    count = len(points)
    skew, unskew = skew_factors(count)
    reach, normalisation = _KERNELS[count]
    skewed = sum(points[1:], points[0]) * skew
    lower = [(point + skewed).floor() for point in points]
    back = sum(lower[1:], lower[0]) * unskew
    first = [point - (cell - back) for point, cell in zip(points, lower)]
    rank = [torch.zeros_like(point, dtype=torch.int8) for point in first]
    for i, k in itertools.combinations(range(count), 2):
        larger = (first[i] > first[k]).to(torch.int8)
        rank[i] = rank[i] + larger
        rank[k] = rank[k] + (1 - larger)
    cells = [_cell_index(cell) for cell in lower]
    start = [point.float() for point in first]

    total = torch.zeros_like(start[0])
    for corner in range(count + 1):
        steps = [(r >= count - corner).to(torch.int32) for r in rank]
        away = [u - step + corner * unskew for u, step in zip(start, steps)]
        gradient = _gradients([cell + step for cell, step in zip(cells, steps)])
        near = (reach - sum(u * u for u in away[1:]) - away[0] * away[0]).clamp(min=0)
        total = total + near**4 * sum(g * u for g, u in zip(gradient, away))
    return total * normalisation


def _white(key: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """White noise, −1 to 1, [channels, height, width]: a hash of the pixel and the channel's key."""
    options: dict[str, Any] = {"device": key.device, "dtype": torch.int64}
    rows = _mix(_mix(key.to(torch.int64))[:, None] + torch.arange(height, **options))
    pixels = _mix(rows[:, :, None] + torch.arange(width, **options))
    return (pixels >> 8).float() / (1 << 23) - (1 - 2.0**-24)  # 24 bits are what float32 holds exactly


def _mix(number: torch.Tensor) -> torch.Tensor:
    """Wellons' "lowbias32" integer hash of the low 32 bits, computed in int64 without overflow."""
    number = number & 0xFFFFFFFF
    number = ((number ^ (number >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    number = ((number ^ (number >> 15)) * (0x846CA68B - (1 << 32))) & 0xFFFFFFFF
    return number ^ (number >> 16)


def _cell_index(cell: torch.Tensor) -> torch.Tensor:
    return cell.to(torch.int64).bitwise_and(0xFF).to(torch.int32)


def _gradients(cells: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The gradient at lattice points, its components as separate tensors. Cells may be one past the table."""
    cells = [cell & 0xFF for cell in cells]
    hashes, gradients = _tables(cells[0].device, len(cells))

    def hashed(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.embedding((y << 8) + x, hashes)[..., 0]

    match cells:
        case [x, y]:
            place = (y << 8) + x
        case [x, y, z]:
            place = (z << 8) + hashed(x, y)
        case [x, y, z, w]:
            place = (hashed(z, w) << 8) + hashed(x, y)
        case _:
            raise ValueError(f"noise has two to four dimensions, not {len(cells)}")
    return F.embedding(place, gradients).unbind(-1)


@functools.cache
def _tables(device: torch.device, dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """For every pair of 8-bit coordinates y·256 + x: the hash, int32 [65536, 1], and the gradient [65536, dimensions].

    Gradients and hashes pass through 8-bit texels as they did on the GPU: −1, 0, 1 become −1, 1/255, 257/255, and the
    hash 255 becomes the coordinate 256, which is 0.
    """
    permutation = np.array(_PERMUTATION)
    hashes = permutation[(np.arange(256) + permutation[:, None]) & 0xFF].ravel()
    directions = np.array(_DIRECTIONS_4D if dimensions == 4 else _DIRECTIONS_3D)[:, :dimensions]
    gradients = ((64 * directions + 64) / 255 * 4 - 1)[hashes % len(directions)]
    with torch.inference_mode(False):
        return (
            torch.tensor(hashes % 255, dtype=torch.int32, device=device)[:, None],
            torch.tensor(gradients, dtype=torch.float32, device=device),
        )


# fmt: off
_PERMUTATION = (
    151,160,137,91,90,15,131,13,201,95,96,53,194,233,7,225,140,36,103,30,69,142,8,99,37,240,21,10,23,190,6,148,
    247,120,234,75,0,26,197,62,94,252,219,203,117,35,11,32,57,177,33,88,237,149,56,87,174,20,125,136,171,168,68,175,
    74,165,71,134,139,48,27,166,77,146,158,231,83,111,229,122,60,211,133,230,220,105,92,41,55,46,245,40,244,102,143,54,
    65,25,63,161,1,216,80,73,209,76,132,187,208,89,18,169,200,196,135,130,116,188,159,86,164,100,109,198,173,186,3,64,
    52,217,226,250,124,123,5,202,38,147,118,126,255,82,85,212,207,206,59,227,47,16,58,17,182,189,28,42,223,183,170,213,
    119,248,152,2,44,154,163,70,221,153,101,155,167,43,172,9,129,22,39,253,19,98,108,110,79,113,224,232,178,185,112,104,
    218,246,97,228,251,34,242,193,238,210,144,12,191,179,162,241,81,51,145,235,249,14,239,107,49,192,214,31,181,199,106,
    157,184,84,204,176,115,121,50,45,127,4,150,254,138,236,205,93,222,114,67,29,24,72,243,141,128,195,78,66,215,61,156,
    180,
)
"""Perlin's permutation of 2002."""

_DIRECTIONS_3D = (
    (0, 1, 1), (0, 1, -1), (0, -1, 1), (0, -1, -1), (1, 0, 1), (1, 0, -1), (-1, 0, 1), (-1, 0, -1),
    (1, 1, 0), (1, -1, 0), (-1, 1, 0), (-1, -1, 0), (1, 0, -1), (-1, 0, -1), (0, -1, 1), (0, 1, 1),
)
"""The twelve edges of a cube, and four of them again to make sixteen."""
# fmt: on

_DIRECTIONS_4D = tuple(
    (*signs[:zero], 0, *signs[zero:]) for zero in range(4) for signs in itertools.product((1, -1), repeat=3)
)
"""The 32 edges of a four-dimensional cube."""
