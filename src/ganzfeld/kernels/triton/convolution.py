"""Convolutions as matrix products on tensor cores, in Triton, with what follows a convolution fused to it.

A picture lies in memory as [H · pitch, C], half precision, channels last, its rows `pitch` pixels apart; the pixels
between them are zeros. So a tap of a filter is a shift of rows of that matrix, across the edges too, and a
convolution is a plain product: [positions, taps · inputs] by [taps · inputs, outputs]. Rows before the first and after
the last read as zeros.

Products are summed in float32, in an order that does not depend on the machine's mood: no atomics.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from ganzfeld.kernels.card import has_tma
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout, Colours
from ganzfeld.kernels.triton.epilogue import coloured, finish


@dataclass(frozen=True, slots=True)
class Tile:
    """How one convolution is cut up: tile sizes, products side by side over `splits` parts of the sum."""

    positions: int
    outputs: int
    inputs: int
    splits: int = 1
    warps: int = 4
    stages: int = 3

    @property
    def shared(self) -> int:
        """Bytes of shared memory that it takes at most: every stage holds its part of both matrices."""
        return 2 * self.stages * self.inputs * (self.positions + self.outputs)


@triton.jit
def product(
    x, weight, m0, n0, first, last, pitch, positions, inputs, outputs,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, TMA: tl.constexpr,
):  # fmt: skip
    """Steps first … last of the sum, for the tile at m0, n0: [BM, BN]."""
    blocks = tl.cdiv(inputs, BK)
    acc = tl.zeros((BM, BN), tl.float32)
    m = m0 + tl.arange(0, BM)
    n = n0 + tl.arange(0, BN)
    for step in range(first, last):
        tap = step // blocks
        k = (step % blocks) * BK
        moved = (tap // 3 - 1) * pitch + tap % 3 - 1
        if TMA:
            a = x.load([m0 + moved, k])
            b = weight.load([n0, tap * inputs + k])
        else:
            kk = k + tl.arange(0, BK)
            from_row = m + moved
            there = ((from_row >= 0) & (from_row < positions))[:, None] & (kk < inputs)[None, :]
            a = tl.load(x + from_row[:, None] * inputs + kk[None, :], mask=there, other=0.0)
            wanted = (n < outputs)[:, None] & (kk < inputs)[None, :]
            b = tl.load(weight + (n[:, None] * 9 + tap) * inputs + kk[None, :], mask=wanted, other=0.0)
        acc = tl.dot(a, b.T, acc)
    return acc


@triton.jit
def tile_of(number, positions, outputs, BM: tl.constexpr, BN: tl.constexpr):
    """Where tile `number` lies; neighbours share rows of the weight, so that it stays in the cache."""
    GROUP: tl.constexpr = 8
    across = tl.cdiv(outputs, BN)
    along = tl.cdiv(positions, BM)
    group = number // (GROUP * across)
    size = tl.minimum(along - group * GROUP, GROUP)
    within = number % (GROUP * across)
    return (group * GROUP + within % size) * BM, (within // size) * BN


@triton.jit
def _part(
    x, weight, partial, splits, pitch, positions, inputs, outputs,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, TMA: tl.constexpr,
):  # fmt: skip
    m0, n0 = tile_of(tl.program_id(0), positions, outputs, BM, BN)
    steps = 9 * tl.cdiv(inputs, BK)
    share = tl.cdiv(steps, splits)
    split = tl.program_id(1)
    first = split * share
    acc = product(
        x, weight, m0, n0, first, tl.minimum(first + share, steps), pitch, positions, inputs, outputs,
        BM, BN, BK, TMA,
    )  # fmt: skip
    m = m0 + tl.arange(0, BM)
    n = n0 + tl.arange(0, BN)
    mask = (m < positions)[:, None] & (n < outputs)[None, :]
    place = m[:, None] * outputs + n[None, :]
    tl.store(partial + split * positions * outputs + place, acc, mask=mask)


@triton.jit
def _layer(
    x, weight, partial, splits, height, width, pitch, positions, inputs, outputs,
    noise_at, strength_at, layer, gain_at, bias_at, clamp, style_at, styled_at, styled_pitch, plain_at,
    rgb_weight_at, rgb_bias_at, rgb_clamp, before_at, taps_at, picture_at,
    CHANNELS: tl.constexpr, UP: tl.constexpr, STYLED: tl.constexpr, PLAIN: tl.constexpr,
    COLOURS: tl.constexpr, FIRST: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, PARTIAL: tl.constexpr, TMA: tl.constexpr,
):  # fmt: skip
    m0, n0 = tile_of(tl.program_id(0), positions, outputs, BM, BN)
    if not PARTIAL:
        steps = 9 * tl.cdiv(inputs, BK)
        acc = product(
            x, weight, m0, n0, 0, steps, pitch, positions, inputs, outputs, BM, BN, BK, TMA
        )  # fmt: skip
    else:
        m = m0 + tl.arange(0, BM)
        n = n0 + tl.arange(0, BN)
        mask = (m < positions)[:, None] & (n < outputs)[None, :]
        place = m[:, None] * outputs + n[None, :]
        acc = tl.zeros((BM, BN), tl.float32)
        for split in range(splits):
            acc += tl.load(partial + split * positions * outputs + place, mask=mask, other=0.0)
    tile = finish(
        acc, m0, n0, height, width, pitch, noise_at, strength_at, layer, gain_at, bias_at, clamp,
        style_at, styled_at, styled_pitch, plain_at, CHANNELS, BM, BN, UP, STYLED, PLAIN,
    )  # fmt: skip
    if COLOURS > 0:
        rgb_weight = tl.load(rgb_weight_at + tl.arange(0, CHANNELS)[:, None] * 16 + tl.arange(0, 16)[None, :])
        rgb = tl.dot(tile.to(tl.float16), rgb_weight.to(tl.float16))
        coloured(
            rgb, m0, height, width, pitch, rgb_bias_at, rgb_clamp, before_at, taps_at, picture_at, 1.0,
            COLOURS, FIRST, BM,
        )  # fmt: skip


@triton.jit
def _rgb(
    plain, height, width, pixels, rgb_weight_at, rgb_bias_at, rgb_clamp, before_at, taps_at, picture_at, scale,
    CHANNELS: tl.constexpr, COLOURS: tl.constexpr, FIRST: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    m0 = tl.program_id(0) * BM
    m = m0 + tl.arange(0, BM)
    rgb = tl.zeros((BM, 16), tl.float32)
    for k in range(0, CHANNELS, BK):
        channel = k + tl.arange(0, BK)
        there = (m < pixels)[:, None] & (channel < CHANNELS)[None, :]
        a = tl.load(plain + m[:, None] * CHANNELS + channel[None, :], mask=there, other=0.0)
        known = (channel < CHANNELS)[:, None] & (tl.arange(0, 16) >= 0)[None, :]
        b = tl.load(rgb_weight_at + channel[:, None] * 16 + tl.arange(0, 16)[None, :], mask=known, other=0.0)
        rgb = tl.dot(a, b.to(tl.float16), rgb)
    coloured(
        rgb, m0, height, width, width, rgb_bias_at, rgb_clamp, before_at, taps_at, picture_at, scale,
        COLOURS, FIRST, BM,
    )  # fmt: skip


def _operands(x: Tensor, weight: Tensor, tile: Tile, tma: bool) -> tuple[object, object]:
    if not tma:
        return x, weight
    return (
        TensorDescriptor.from_tensor(x, [tile.positions, tile.inputs]),
        TensorDescriptor.from_tensor(weight.flatten(1), [tile.outputs, tile.inputs]),
    )


def layer(
    x: Tensor, weight: Tensor, field: ActivationLayout, activation: Activation, colours: Colours | None, *,
    up: int, tile: Tile,
) -> None:  # fmt: skip
    """A whole layer of StyleGAN2: 3×3 convolution of x [height · pitch, I] and all that follows it.

    weight [O, 9, I]. up 2: O is four phases of the channels, and what is written is twice the size. `colours`
    needs a tile that holds every channel, and no parts.
    """
    (positions, inputs), outputs = x.shape, len(weight)
    tma = has_tma(x.device)
    if tile.splits == 1:
        _finished(_operands(x, weight, tile, tma), None, field, outputs, inputs, activation, colours, up, tile, tma)
        return
    partial = torch.empty(tile.splits, positions, outputs, device=x.device)
    grid = (triton.cdiv(positions, tile.positions) * triton.cdiv(outputs, tile.outputs), tile.splits)
    _part[grid](
        *_operands(x, weight, tile, tma), partial, tile.splits, field.pitch, positions, inputs, outputs,
        BM=tile.positions, BN=tile.outputs, BK=tile.inputs, TMA=tma, num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    finish_parts(partial, field, activation, up=up)


def finish_parts(partial: Tensor, field: ActivationLayout, activation: Activation, *, up: int) -> None:
    """The end of a layer whose sums were made in parts: partial [splits, height · pitch, outputs] float32."""
    tile = Tile(16, min(len(activation.gain), 128), 64, 1, 4, 1)
    some = activation.gain
    _finished((some, some), partial, field, partial.shape[2], 0, activation, None, up, tile, False)


def _finished(
    operands: tuple[object, object], partial: Tensor | None, field: ActivationLayout, outputs: int, inputs: int,
    activation: Activation, colours: Colours | None, up: int, tile: Tile, tma: bool,
) -> None:  # fmt: skip
    a, c = activation, colours
    some = a.gain
    positions = field.height * field.pitch
    grid = (triton.cdiv(positions, tile.positions) * triton.cdiv(outputs, tile.outputs),)
    _layer[grid](
        *operands, partial, 1 if partial is None else len(partial), field.height, field.width, field.pitch,
        positions, inputs, outputs, a.noise, a.strengths, a.layer, a.gain, a.bias, a.clamp,
        some if a.style is None else a.style, a.styled, a.styled_pitch, a.plain,
        c.weight if c else some, c.bias if c else some, c.clamp if c else 0.0,
        c.before if c and c.before is not None else some, c.taps if c else some, c.picture if c else some,
        CHANNELS=len(a.gain), UP=up, STYLED=a.styled is not None, PLAIN=a.plain is not None,
        COLOURS=len(c.bias) if c else 0, FIRST=c is None or c.before is None,
        BM=tile.positions, BN=tile.outputs, BK=tile.inputs, PARTIAL=partial is not None, TMA=tma,
        num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip


def to_rgb(plain: Tensor, height: int, width: int, colours: Colours) -> None:
    """plain [H · W, C] to the picture, by itself."""
    pixels, channels = plain.shape
    block = 64
    _rgb[(triton.cdiv(pixels, block),)](
        plain, height, width, pixels, colours.weight, colours.bias, colours.clamp,
        colours.before if colours.before is not None else colours.bias, colours.taps, colours.picture, colours.scale,
        CHANNELS=channels, COLOURS=len(colours.bias), FIRST=colours.before is None,
        # Tensor cores multiply 16 numbers at the least.
        BM=block, BK=max(16, min(64, triton.next_power_of_2(channels))), num_warps=4,
    )  # fmt: skip
