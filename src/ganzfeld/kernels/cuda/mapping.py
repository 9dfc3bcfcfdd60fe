"""A mapping network for one latent in one launch; see mapping.cu."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganzfeld.kernels.card import coupled_blocks, multiprocessors
from ganzfeld.kernels.cuda.compiler import amount_bytes, defines, kernel

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 512
MOST_LAYERS = 16
WIDEST = 1024
Dense = tuple[Tensor, Tensor]
"""weight [O, I] and bias [O], contiguous float32."""
Amount = float | Tensor
"""A number, or a 0-d float32 tensor on the device."""


def supports(layers: Sequence[Dense]) -> bool:
    """Whether the kernel is made for so many layers of this width."""
    return 0 < len(layers) <= MOST_LAYERS and max(max(weight.shape) for weight, _ in layers) <= WIDEST


def macros(layers: Sequence[Dense], *, coupled: int, processors: int, threads: int = THREADS) -> dict[str, int]:
    """Those of the source. coupled: how many blocks the card couples, 1 for none; then they meet in global memory,
    where none goes on before all are there."""
    wide = -(-max(max(weight.shape) for weight, _ in layers) // 32) * 32
    # A show and a rehearsal may map at a time: were the card full of some of either's blocks, both would wait for ever.
    blocks = coupled if coupled > 1 else max(1, min(16, processors // 2))
    return {"THREADS": threads, "BLOCKS": blocks, "WIDE": wide, "COUPLED": int(coupled > 1)}


def layers_bytes(
    layers: Sequence[Dense], average: Tensor, rows: int, psi: Amount, cutoff: Amount, *, normalise: bool
) -> bytes:
    """The kernel's `Layers`."""

    def padded(values: Sequence[int]) -> list[int]:
        return [*values, *[0] * (MOST_LAYERS - len(values))]

    weights, biases = zip(*layers)
    places = [*padded([weight.data_ptr() for weight in weights]), *padded([bias.data_ptr() for bias in biases])]
    sizes = [*padded([weight.shape[1] for weight in weights]), *padded([weight.shape[0] for weight in weights])]
    packed = struct.pack(
        f"{2 * MOST_LAYERS + 1}Q{2 * MOST_LAYERS + 3}i4x", *places, average.data_ptr(), *sizes, len(layers),
        int(normalise), rows,
    )  # fmt: skip
    return packed + amount_bytes(psi) + amount_bytes(cutoff)


def mapped(
    x: Tensor, layers: Sequence[Dense], average: Tensor, rows: int, psi: Amount, cutoff: Amount, *, normalise: bool
) -> Tensor:
    """x [1, I] float32 through weight · x + bias and a leaky ReLU without gain, layer by layer, then truncation.

    normalise: x to unit second moment before. average [O]; rows: of the answer, of which the first `cutoff` are drawn
    towards the average by psi. -> [1, rows, O].
    """
    device = x.device
    processors = multiprocessors(device)
    macro = macros(layers, coupled=coupled_blocks(device), processors=processors)
    out = torch.empty(1, rows, len(average), device=device)
    between = torch.empty(2, macro["WIDE"], device=device)
    counters = torch.zeros(len(layers), dtype=torch.int32, device=device) if not macro["COUPLED"] else between
    run = kernel(SOURCE, "mapping", defines(macro), device, many_coupled=macro["COUPLED"] > 0)
    packed = layers_bytes(layers, average, rows, psi, cutoff, normalise=normalise)
    blocks = macro["BLOCKS"]
    fetching = max(1, processors // blocks - 1)  # in whole clusters
    run.launch((blocks + fetching * blocks, 1), THREADS, [x.contiguous(), out, between, counters, packed])
    return out
