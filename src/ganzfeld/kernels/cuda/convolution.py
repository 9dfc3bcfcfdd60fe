"""A whole layer of StyleGAN2 on a card of the Hopper generation; see convolution.cu."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzfeld.kernels.card import multiprocessors
from ganzfeld.kernels.cuda.compiler import Kernel, defines, kernel, tensor_map
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout, Colours

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 384
TILE_WIDTH = 16
SHARED = 227 * 1024
"""Bytes that the blocks of one processor can share."""
FEWEST = 256
"""Pixels below which a picture is too small for these tiles."""


@dataclass(frozen=True, slots=True)
class HopperTile:
    """How one convolution is cut up: a block makes `outputs` of 16 · `height` pixels, `inputs` at a time; the sum is
    made in `splits` parts."""

    height: int
    outputs: int
    inputs: int
    splits: int = 1
    blocks: int = 1
    """How many stand on a processor at a time."""

    @property
    def pixels(self) -> int:
        """Bytes of the two parts of the input that are there at a time; each begins at a multiple of 1024."""
        return 2 * 1024 * -(-(TILE_WIDTH + 2) * (self.height + 2) * 2 * self.inputs // 1024)

    @property
    def slab(self) -> int:
        """Bytes of the weights of one tap."""
        return 2 * self.inputs * self.outputs

    @property
    def stages(self) -> int:
        """Slabs in the ring."""
        return min(9, (SHARED // self.blocks - 2048 - self.pixels) // self.slab)

    @property
    def shared(self) -> int:
        """Bytes of shared memory, with room to begin at a multiple of 1024, and the barriers."""
        return 1024 + self.pixels + self.stages * self.slab + 32 + 16 * self.stages

    def macros(self, up: int, channels: int, colours: int = 0, *, first: bool = True) -> dict[str, int]:
        """Those of the source. colours: of a picture that is painted here; first: there is no smaller one below it."""
        return {
            "BN": self.outputs, "BK": self.inputs, "MB": self.height // 8, "UP": up, "COLOURS": colours,
            "FIRST": int(first), "PARTIAL": int(self.splits > 1), "PHASES": max(1, self.outputs // channels),
            "STAGES": self.stages, "BLOCKS": self.blocks,
        }  # fmt: skip

    def kernel(self, macros: dict[str, int], device: torch.device) -> Kernel:
        """Compiled, or taken from the disk."""
        return kernel(SOURCE, "convolution", defines(macros), device, self.shared)

    def tiles(self, field: ActivationLayout, outputs: int) -> int:
        """How many of them a convolution is."""
        tall, wide = -(-field.height // self.height), -(-field.width // TILE_WIDTH)
        return tall * wide * (outputs // self.outputs) * self.splits


def tile_for_hopper(
    field: ActivationLayout, outputs: int, channels: int, inputs: int, processors: int
) -> HopperTile | None:
    """How to cut up a convolution to `outputs` (of `channels`, times four where it doubles the size); None where
    these tiles do not fit."""
    if field.height * field.width < FEWEST or inputs % 32 or outputs % 32 or channels % 32:
        return None
    deep, wide = 64 if inputs % 64 == 0 else 32, next(n for n in (128, 64, 32) if outputs % n == 0)
    large = HopperTile(16, wide, deep, 1, 2 if wide == 32 else 1)
    if wide == 64 and large.tiles(field, outputs) >= 4 * processors:
        # Little to multiply for each pixel: one block multiplies while another finishes.
        return HopperTile(8, wide, deep, 1, 2)
    if large.tiles(field, outputs) >= 0.9 * processors:
        return large
    small = HopperTile(8, wide, deep)
    fits = max(1, processors // small.tiles(field, outputs))
    return HopperTile(8, wide, deep, min(fits, inputs // deep))


def after_bytes(
    field: ActivationLayout, outputs: int, activation: Activation, colours: Colours | None, partial: Tensor | None
) -> bytes:
    """The kernel's `After`."""

    def place(tensor: Tensor | None) -> int:
        return 0 if tensor is None else tensor.data_ptr()

    a, c = activation, colours
    return struct.pack(
        "7i2f4x13Q", field.height, field.width, field.pitch, outputs, len(a.gain), a.layer, a.styled_pitch,
        a.clamp, c.clamp if c else 0.0, place(a.noise), place(a.strengths), place(a.gain), place(a.bias),
        place(a.gain if a.style is None else a.style), place(c.bias if c else None), place(c.before if c else None),
        place(c.taps if c else None), place(c.weight if c else None), place(a.styled), place(a.plain),
        place(c.picture if c else None), place(partial),
    )  # fmt: skip


def layer(
    x: Tensor, weight: Tensor, field: ActivationLayout, activation: Activation, colours: Colours | None, *, up: int,
    block: HopperTile,
    partial: Tensor | None = None,
) -> None:  # fmt: skip
    """As `kernels.triton.convolution.layer`; with a block of several splits only their sums, to `partial`
    [splits, height · pitch, outputs] float32, which must be finished. Rows need no padding here.

    `colours` needs a block that holds every channel, and no splits.
    """
    (_, inputs), outputs = x.shape, len(weight)
    tiles = block.tiles(field, outputs)
    painted, first = (len(colours.bias), colours.before is None) if colours else (0, True)
    run = block.kernel(block.macros(up, len(activation.gain), painted, first=first), x.device)
    pixels = tensor_map(
        x, (inputs, field.width, field.height), (2 * inputs, 2 * inputs * field.pitch),
        (block.inputs, TILE_WIDTH + 2, block.height + 2),
    )  # fmt: skip
    weights = tensor_map(weight, (9 * inputs, outputs), (18 * inputs,), (block.inputs, block.outputs))
    after = after_bytes(field, outputs, activation, colours, partial)
    grid = min(tiles, block.blocks * multiprocessors(x.device))
    run.launch((grid, 1), THREADS, [pixels, weights, after, inputs, block.splits, tiles])
