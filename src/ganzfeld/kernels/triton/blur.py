"""A Gaussian blur of activations as products on tensor cores, across and then down (Triton).

A line of pixels times a band of taps: every tap of the Gaussian is a diagonal. The reference is `kernels/blur.py`.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from ganzfeld.kernels.triton.field import Field

ALONG = 64
"""Pixels of a line in a tile."""
BESIDE = 128
"""Numbers beside each other in a tile: channels, of one line or of several."""
STEP = 32
"""Pixels multiplied at a time."""


@triton.jit
def _taps(away, reach, scale):
    """Of the Gaussian, so many pixels away; at its middle 1."""
    return tl.where(tl.abs(away) <= reach, tl.exp2(-(away * scale) * (away * scale)), 0.0).to(tl.float16)


@triton.jit(
    do_not_specialize=["length", "lines", "groups", "line", "pixel", "out_line", "out_pixel", "height", "reach"],
    do_not_specialize_on_alignment=["radius"],
)
def _blurred(
    x, out, radius, length, lines, groups, line, pixel, out_line, out_pixel, height, reach,
    CHANNELS: tl.constexpr, VECTOR: tl.constexpr, ALONG: tl.constexpr, BESIDE: tl.constexpr, STEP: tl.constexpr,
):  # fmt: skip
    deviation = tl.maximum(tl.load(radius) * height, 1e-3)
    # Four deviations away a Gaussian has ended.
    reach = tl.minimum(reach, (tl.minimum(deviation, 1e3) * 4).to(tl.int32) + 1)
    scale = 0.8493218002880191 / deviation  # exp2(-(scale · d)²) is exp(-½ (d / deviation)²)
    weight = tl.sum(_taps(tl.arange(0, 128) - 64, reach, scale).to(tl.float32))
    channels = groups * VECTOR
    parts = (channels + CHANNELS - 1) // CHANNELS
    beside = tl.arange(0, BESIDE)
    channel = tl.program_id(1) % parts * CHANNELS + beside % CHANNELS
    number = tl.program_id(1) // parts * (BESIDE // CHANNELS) + beside // CHANNELS
    there = (number < lines) & (channel < channels)
    first = tl.program_id(0) * ALONG
    m, k = tl.arange(0, ALONG), tl.arange(0, STEP)
    total = tl.zeros((ALONG, BESIDE), tl.float32)
    for start in range(-reach, ALONG + reach, STEP):
        taps = _taps(start + k[None, :] - m[:, None], reach, scale)
        place = tl.minimum(tl.maximum(first + start + k, 0), length - 1)
        place = (place.to(tl.int64) * pixel)[:, None] + (number.to(tl.int64) * line)[None, :]
        near = tl.load(x + place * VECTOR + channel[None, :], mask=there[None, :], other=0.0)
        total = tl.dot(taps, near, total)
    place = first + m
    known = (place < length)[:, None] & there[None, :]
    place = (place.to(tl.int64) * out_pixel)[:, None] + (number.to(tl.int64) * out_line)[None, :]
    tl.store(out + place * VECTOR + channel[None, :], (total / weight).to(tl.float16), mask=known)


def gaussian_blur(x: Tensor, radius: Tensor, reach: int) -> Tensor:
    """As `blur.gaussian_blur`, of x [1, C, h, w] in half precision and a 0-d radius; reach: taps to each side."""
    field = Field.of(x)
    (between, _), (out, result) = field.empty(), field.empty()
    height, width, groups = field.height, field.width, field.groups
    channels = field.together * field.vector
    row = width * groups

    def passed(x: Tensor, out: Tensor, length: int, lines: int, *strides: int) -> None:
        beside = triton.cdiv(lines, BESIDE // channels) * triton.cdiv(groups, field.together)
        _blurred[(triton.cdiv(length, ALONG), beside)](
            x, out, radius, length, lines, groups, *strides, height, reach,
            CHANNELS=channels, VECTOR=field.vector, ALONG=ALONG, BESIDE=BESIDE, STEP=STEP,
        )  # fmt: skip

    passed(field.x, between, width, height, field.row, field.pixel, row, groups)
    passed(between, out, height, width, groups, row, groups, row)
    return result
