"""The dense layers of a mapping network for one latent, in one launch; see mapping.cu."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganzfeld.kernels.card import multiprocessors
from ganzfeld.kernels.cuda.compiler import defines, kernel

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 256
MOST_LAYERS = 16
WIDEST = 2048
Dense = tuple[Tensor, Tensor]
"""weight [O, I] and bias [O], contiguous float32."""


def supports(layers: Sequence[Dense]) -> bool:
    """Whether the kernel is made for so many layers of this width."""
    return 0 < len(layers) <= MOST_LAYERS and max(max(weight.shape) for weight, _ in layers) <= WIDEST


def wide(layers: Sequence[Dense]) -> int:
    """The kernel's `WIDE`."""
    return -(-max(max(weight.shape) for weight, _ in layers) // 32) * 32


def layers_bytes(layers: Sequence[Dense], normalise: bool) -> bytes:
    """The kernel's `Layers`."""

    def padded(values: Sequence[int]) -> list[int]:
        return [*values, *[0] * (MOST_LAYERS - len(values))]

    weights, biases = zip(*layers)
    columns = (
        [weight.data_ptr() for weight in weights],
        [bias.data_ptr() for bias in biases],
        [weight.shape[1] for weight in weights],
        [weight.shape[0] for weight in weights],
    )
    numbers = [number for column in columns for number in padded(column)]
    return struct.pack(f"{2 * MOST_LAYERS}Q{2 * MOST_LAYERS}i2i", *numbers, len(layers), int(normalise))


def dense_layers(x: Tensor, layers: Sequence[Dense], *, normalise: bool) -> Tensor:
    """x [1, I] float32 through weight · x + bias and a leaky ReLU without gain, layer by layer -> [1, O].

    normalise: x to unit second moment before.
    """
    device, width = x.device, wide(layers)
    out = torch.empty(1, len(layers[-1][0]), device=device)
    between = torch.empty(2, width, device=device)
    counters = torch.zeros(len(layers), dtype=torch.int32, device=device)
    run = kernel(SOURCE, "mapping", defines({"THREADS": THREADS, "WIDE": width}), device)
    rows = max(len(weight) for weight, _ in layers)
    blocks = min(multiprocessors(device), -(-rows // (THREADS // 32)))
    run.launch((blocks, 1), THREADS, [x.contiguous(), out, between, counters, layers_bytes(layers, normalise)])
    return out
