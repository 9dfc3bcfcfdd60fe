"""What the GPU paths of both networks share: styles, demodulation and colours in half precision.

Half precision holds numbers up to 65504, so nothing unnormalised goes into it: a weight has norm 1 per output, a
style's largest number is ±1, and what was divided out comes back, in float32, in the gain after the convolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzfeld.kernels.card import multiprocessors, shared_memory
from ganzfeld.kernels.cuda import weights as cuda
from ganzfeld.kernels.cuda.compiler import available
from ganzfeld.kernels.cuda.mapping import mapped, supports
from ganzfeld.kernels.cuda.weights import Halved, Part
from ganzfeld.kernels.derived_weight import derive
from ganzfeld.kernels.triton.convolution import Tile
from ganzfeld.kernels.triton.styles import dense, gains_of, modulate
from ganzfeld.networks.cpu.mapping import CpuMapping
from ganzfeld.networks.derived import DerivedTensors

COLUMNS = 16
"""Outputs that a tensor core's product has at least; three of them are colours."""
ROOMY = 200 * 1024
"""Bytes of shared memory that a block has on a card of the data centre since the Hopper generation."""
LARGEST = 60000.0
"""Stands for no clamp: half precision ends soon after."""


@dataclass(frozen=True, slots=True)
class ConvolutionWeight:
    """What a path multiplies with in place of one convolution's weight; see `kernels.derived_weight`."""

    out: Tensor
    energy: Tensor
    norms: Tensor | None
    taps: Tensor | None = None

    def derive(self, weight: Tensor, taps: Tensor | None = None) -> None:
        """From the weight, and from the upsampling filter if it has one."""
        derive(self.out, self.energy, self.norms, weight, taps)

    def derive_bent(self, weight: Tensor | Halved, parts: Sequence[Part]) -> None:
        """From the weight after these parts. Neither it nor any other copy of it is written."""
        cuda.derive(self.out, self.energy, self.norms, weight, self.taps, parts)


class GpuMapping(CpuMapping):
    """As `CpuMapping`, one launch for a single latent. In float32: eight layers in a row, and psi multiplies what is
    off."""

    def through(
        self, x: Tensor, average: Tensor, psi: float | Tensor, cutoff: int | Tensor | None, *, normalise: bool
    ) -> Tensor:
        alike = not isinstance(psi, Tensor) or psi.dim() == 0
        if len(x) > 1 or not alike or not available(x.device) or not supports(self.dense):
            return super().through(x, average, psi, cutoff, normalise=normalise)
        rows = self.num_ws
        psi, most = (
            each.to(x.device, torch.float32) if isinstance(each, Tensor) else each
            for each in (psi, rows if cutoff is None else cutoff)
        )
        return mapped(x, self.dense, average.reshape(-1), rows, psi, most, normalise=normalise)


class GpuStyles:
    """The style affines of several layers in one launch."""

    def __init__(self, derived: DerivedTensors, names: Sequence[str], rows: Sequence[int], widest: int) -> None:
        """Layer i reads row rows[i] of w; styles are padded to `widest` with zeros."""
        weights = [derived.tensors[f"{name}.affine.weight"] for name in names]
        w_dim, device = weights[0].shape[1], weights[0].device
        self.weight = torch.zeros(len(names), widest, w_dim, dtype=torch.float16, device=device)
        self.bias = torch.zeros(len(names), widest, device=device)
        self.rows = torch.tensor(list(rows), dtype=torch.int32, device=device)
        scale = 1 / math.sqrt(w_dim)
        for i, (name, weight) in enumerate(zip(names, weights)):
            into = self.weight[i, : len(weight)]
            derived.scale(f"{name}.affine.weight", scale, limit=LARGEST, into=into)
            derived.scale(f"{name}.affine.bias", 1, into=self.bias[i, : len(weight)])

    def __call__(self, w: Tensor) -> Tensor:
        """w [num_ws, w_dim] -> [layers, widest] float32."""
        return dense(w, self.rows, self.weight, self.bias)


class GpuModulation:
    """Styles to one, and the gains that demodulate, for several layers in one launch.

    energy [layers, outputs, inputs] and norms [layers, outputs] are filled by whoever derives the weights. factor
    [layers, 2]: what a layer's gains are multiplied by, and how many inputs it really has.
    """

    def __init__(
        self, weights: Sequence[Tensor], widest: int, *, gain: float, epsilon: float = 1e-8, normalise: bool = False,
        outputs: int | None = None,
    ) -> None:  # fmt: skip
        """`weights` [O, I, k, k]: of the layers, in order. normalise: styles and weights by their root mean square.
        outputs: for how many there is room (None: for the most that a layer has, in eights)."""
        device = weights[0].device
        outputs = outputs or -(-max(len(weight) for weight in weights) // 8) * 8  # as memory of activations is padded
        self.energy = torch.zeros(len(weights), outputs, widest, dtype=torch.float16, device=device)
        self.norms = torch.ones(len(weights), outputs, device=device)
        if normalise:
            # Divided by its root mean square, a weight has the same norm whatever it is.
            self.norms *= torch.tensor([math.sqrt(weight[0].numel()) for weight in weights], device=device)[:, None]
        self.factor = torch.tensor([[gain, float(weight.shape[1])] for weight in weights], device=device)
        self.epsilon, self.normalise = epsilon, normalise

    def __call__(self, styles: Tensor, known: int | None = None) -> tuple[Tensor, Tensor]:
        """styles [≥ layers, widest] -> unit styles [layers, widest], gains [layers, most outputs]; gains of the first
        `known` layers only, if that is given."""
        return modulate(styles[: len(self.energy)], *self._made_of, **self._how, known=known)

    def fill(self, gains: Tensor, styles: Tensor, first: int, end: int) -> None:
        """The gains of these layers, which were not known when this was called."""
        gains_of((first, end), gains, styles[: len(self.energy)], *self._made_of, **self._how)

    @property
    def _made_of(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.energy, self.norms, self.factor

    @property
    def _how(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "normalise": self.normalise}


class GpuColours:
    """The weights of several torgb layers, to be multiplied by their styles in one launch."""

    def __init__(self, derived: DerivedTensors, names: Sequence[str], channels: Sequence[int]) -> None:
        """channels: of the activations that colours are made of, with their padding."""
        weights = [derived.tensors[f"{name}.weight"] for name in names]
        self.channels, self.widest = channels, max(channels)
        self.weight = torch.zeros(len(names), COLUMNS, self.widest, device=weights[0].device)
        for i, (name, weight) in enumerate(zip(names, weights)):
            into = self.weight[i, : weight.shape[0], : weight.shape[1]]
            derived.scale(f"{name}.weight", 1 / math.sqrt(weight.shape[1]), into=into)

    def __call__(self, styles: Tensor) -> list[Tensor]:
        """styles [layers, widest] -> for each layer [channels, 16], no larger than half precision holds."""
        weights = torch.empty(len(self.weight), self.widest, COLUMNS, device=styles.device)
        torch.mul(self.weight.transpose(1, 2), styles[:, :, None], out=weights).clamp_(-LARGEST, LARGEST)
        return [weight[:channels] for weight, channels in zip(weights, self.channels)]


def tile_for(positions: int, outputs: int, inputs: int, device: torch.device) -> Tile:
    """How to cut up a 3×3 convolution so that it fills a card.

    Measured on one H100 (benchmarks/RESULTS.md); cards whose blocks have less memory to share get less at a time. That
    every tile fits on every card is what `benchmarks/cards.py kernels` looks at.
    """
    roomy, processors = shared_memory(device) >= ROOMY, multiprocessors(device)
    width = min(128, 1 << (outputs - 1).bit_length())
    depth = min(64, 1 << (inputs - 1).bit_length())
    if -(-positions // 128) * -(-outputs // width) * 3 >= processors * 2:
        # Eight warps: with four, what follows the convolution spills its registers.
        if width <= 32:
            return Tile(256, width, min(depth, 32), 1, 8, 4)
        return Tile(128, width, depth, 1, 8, 4 if roomy and width < 128 else 3)
    # Too few tiles: smaller ones, and the sum in parts.
    height = 16 if positions <= 32 and outputs <= 512 else 32 if positions <= 32 else 64
    width = min(width, 64 if positions <= 32 else 128)
    depth = 128 if roomy and inputs >= 128 else depth
    tiles = -(-positions // height) * -(-outputs // width)
    splits = max(1, min(6, processors // tiles, 9 * -(-inputs // depth)))
    return Tile(height, width, depth, splits, 4, 3)
