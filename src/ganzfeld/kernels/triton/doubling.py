"""A convolution of a small picture to twice its size, and what follows it (Triton).

As one convolution with four times the outputs (`convolution.py`) it has 36 matrices to read, which a picture of few
pixels does little else than wait for. Here it has the nine of the file: a first kernel multiplies every pixel with each
of them, a second sums up what a transposed convolution and the filter after it would.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from ganzfeld.kernels.card import has_tma
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout
from ganzfeld.kernels.triton.epilogue import finish

LARGEST = 32
SMALLER = 8
"""Small is a picture that has at most so many pixels a side when it is doubled, and an eighth of what its network draws
at last: whatever the size asked for, the products then take no more memory than the last layers do."""
BESIDE = 64
"""Outputs of a tile of the products."""
POSITIONS, OUTPUTS = 16, 32
"""A tile of the sums: pixels before the doubling, channels."""


@triton.jit
def _products(
    x, weight, out, positions, inputs, outputs,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, TMA: tl.constexpr,
):  # fmt: skip
    across = tl.cdiv(outputs, BN)
    m0, n0 = tl.program_id(0) // across * BM, tl.program_id(0) % across * BN
    tap = tl.program_id(1)
    m, n = m0 + tl.arange(0, BM), n0 + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), tl.float32)
    for k in range(0, inputs, BK):
        if TMA:
            a = x.load([m0, k])
            b = weight.load([n0, tap * inputs + k])
        else:
            kk = k + tl.arange(0, BK)
            known = (kk < inputs)[None, :]
            a = tl.load(x + m[:, None] * inputs + kk[None, :], mask=(m < positions)[:, None] & known, other=0.0)
            place = (n[:, None] * 9 + tap) * inputs + kk[None, :]
            b = tl.load(weight + place, mask=(n < outputs)[:, None] & known, other=0.0)
        acc = tl.dot(a, b.T, acc)
    place = (tap * positions + m[:, None]).to(tl.int64) * outputs + n[None, :]
    tl.store(out + place, acc, mask=(m < positions)[:, None] & (n < outputs)[None, :])


@triton.jit
def _plus(acc, near, taps_at, down: tl.constexpr, across: tl.constexpr):
    if (0 <= down) & (down < 4) & (0 <= across) & (across < 4):
        acc += near * (4 * tl.load(taps_at + 4 * down + across))
    return acc


@triton.jit
def _with(a, b, c, d, near_at, there, taps_at, down: tl.constexpr, across: tl.constexpr):
    """The sums of the four phases, with one product more for those where the filter has a tap for it."""
    if (-1 <= down) & (down < 4) & (-1 <= across) & (across < 4):
        near = tl.load(near_at, mask=there[:, None], other=0.0)
        a = _plus(a, near, taps_at, down, across)
        b = _plus(b, near, taps_at, down, across + 1)
        c = _plus(c, near, taps_at, down + 1, across)
        d = _plus(d, near, taps_at, down + 1, across + 1)
    return a, b, c, d


@triton.jit
def _sums(
    products, taps_at, height, width, pitch, positions,
    noise_at, strength_at, layer, gain_at, bias_at, clamp, style_at, styled_at, styled_pitch, plain_at,
    CHANNELS: tl.constexpr, STYLED: tl.constexpr, PLAIN: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    m0, n0 = tl.program_id(0) * BM, tl.program_id(1) * BN
    m, n = m0 + tl.arange(0, BM), n0 + tl.arange(0, BN)
    row, column = m // pitch, m % pitch
    a = tl.zeros((BM, BN), tl.float32)
    b, c, d = a, a, a
    # Pixel 2·j + a has from input j + y − 1 the weights W[k] times the flipped tap 2·y + k − a − 1.
    for y in tl.static_range(3):
        for x in tl.static_range(3):
            there = (row + y >= 1) & (row + y <= height) & (column + x >= 1) & (column + x <= width)
            place = (m + (y - 1) * pitch + x - 1).to(tl.int64)[:, None] * CHANNELS + n[None, :]
            for k in tl.static_range(9):
                near_at = products + k * positions.to(tl.int64) * CHANNELS + place
                a, b, c, d = _with(a, b, c, d, near_at, there, taps_at, 4 - 2 * y - k // 3, 4 - 2 * x - k % 3)
    for phase in tl.static_range(4):
        acc = a if phase == 0 else b if phase == 1 else c if phase == 2 else d
        finish(
            acc, m0, phase * CHANNELS + n0, height, width, pitch, noise_at, strength_at, layer, gain_at, bias_at, clamp,
            style_at, styled_at, styled_pitch, plain_at, CHANNELS, BM, BN, 2, STYLED, PLAIN,
        )  # fmt: skip


def layer(x: Tensor, weight: Tensor, taps: Tensor, field: ActivationLayout, activation: Activation) -> None:
    """As `convolution.layer` with up 2, without colours. weight [C, 9, I] of norm 1 an output; taps [4, 4]: filter."""
    (positions, inputs), channels = x.shape, len(weight)
    tma = has_tma(x.device)
    tall = 64 if positions > 128 else 32
    beside, deep = min(BESIDE, triton.next_power_of_2(channels)), min(128, triton.next_power_of_2(inputs))
    operands = (x, weight)
    if tma:
        descriptor = TensorDescriptor.from_tensor
        operands = (descriptor(x, [tall, deep]), descriptor(weight.flatten(1), [beside, deep]))
    products = torch.empty(9, positions, channels, device=x.device)
    _products[(triton.cdiv(positions, tall) * triton.cdiv(channels, beside), 9)](
        *operands, products, positions, inputs, channels, BM=tall, BN=beside, BK=deep, TMA=tma, num_warps=4,
        num_stages=3,
    )  # fmt: skip
    a, outputs = activation, min(OUTPUTS, channels)
    if a.styled is not None and field.pitch == field.width and a.styled_pitch > 2 * field.width:
        # Zeros between rows come with those between the rows of x, and here are none.
        a.styled.view(-1, a.styled_pitch, channels)[:, 2 * field.width :].zero_()
    _sums[(triton.cdiv(positions, POSITIONS), triton.cdiv(channels, outputs))](
        products, taps, field.height, field.width, field.pitch, positions,
        a.noise, a.strengths, a.layer, a.gain, a.bias, a.clamp,
        a.gain if a.style is None else a.style, a.styled, a.styled_pitch, a.plain,
        CHANNELS=channels, STYLED=a.styled is not None, PLAIN=a.plain is not None, BM=POSITIONS, BN=outputs,
        num_warps=4,
    )  # fmt: skip
