"""From a convolution's weight, as the file holds it or a bend made it, to what the GPU paths multiply with."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.kernels.cuda import weights as cuda
from ganzfeld.kernels.cuda.compiler import available


def derive(out: Tensor, energy: Tensor, norms: Tensor | None, weight: Tensor, taps: Tensor | None = None) -> None:
    """Fill `out`, `energy` and `norms` (None: not wanted) from weight [O, I, k, k] float32.

    out [O, k², ≥ I] half precision of norm 1 per output, or with `taps` [4, 4] (the upsampling filter; k is 3 then)
    [4, O, 9, ≥ I]: a transposed convolution to twice the size, then the filter, times 4, as one convolution for each
    phase 2·a + b of the pixels at 2·y + a, 2·x + b. energy [O, ≥ I] half precision: Σ W² over taps, sum 1; norms [O].
    """
    if available(weight.device):
        cuda.derive(out, energy, norms, weight, taps)
        return
    inputs = weight.shape[1]
    norm = weight.flatten(1).norm(dim=1)
    unit = weight.flatten(2) / norm.clamp(min=1e-30)[:, None, None]
    energy[: len(weight), :inputs] = unit.square().sum(2)
    if norms is not None:
        norms[: len(weight)] = norm
    if taps is None:
        out[: len(weight), :, :inputs] = unit.transpose(1, 2)
    else:
        out[..., :inputs] = torch.einsum("pyk,oik->poyi", phases(taps), unit)


def phases(taps: Tensor) -> Tensor:
    """[4, 9, 9]: how much of tap k of a 3×3 weight is in tap y of each phase's convolution.

    Pixel 2·j + a has from input j + d − 1 the weights W[k] times the flipped tap 2·d + k − a − 1, on both axes.
    """
    one = torch.zeros(2, 3, 3, 4, dtype=taps.dtype, device=taps.device)
    for a in range(2):
        for d in range(3):
            for k in range(3):
                if 0 <= 4 + a - 2 * d - k < 4:
                    one[a, d, k, 4 + a - 2 * d - k] = 1
    return 4 * torch.einsum("adks,belt,st->abdekl", one, one, taps).reshape(4, 9, 9)
