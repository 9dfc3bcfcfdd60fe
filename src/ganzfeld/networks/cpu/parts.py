"""The parts that the CPU arrangements of both networks share."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzfeld.networks.derived import DerivedTensors


class CpuToRGB:
    """Modulated 1×1 convolution to the picture's channels, as a product with the style in the small weight."""

    def __init__(self, derived: DerivedTensors, name: str, clamp: float | None) -> None:
        self.name = name
        self.clamp = clamp
        self.channels = derived.tensors[f"{name}.weight"].shape[1]
        scale = 1 / math.sqrt(self.channels)
        self.weight = derived.make(f"{name}.weight", compute=lambda weight: weight[None, :, :, 0, 0] * scale, degree=1)
        self.bias = derived.make(f"{name}.bias", compute=lambda bias: bias[None, :, None], degree=1)

    def __call__(self, x: Tensor, style: Tensor) -> Tensor:
        """x [N, C, H, W], style [N, ≥ C] -> [N, img_channels, H, W], contiguous."""
        n, _, height, width = x.shape
        weight = self.weight * style[:, None, : self.channels]
        picture = torch.baddbmm(self.bias, weight, x.flatten(2))
        picture = picture if self.clamp is None else picture.clamp_(-self.clamp, self.clamp)
        return picture.view(n, -1, height, width)


class CpuStyles:
    """The style affines of several layers as one batched product, in the order of `names`."""

    def __init__(self, derived: DerivedTensors, names: list[str], rows: range | list[int]) -> None:
        """Layer i reads row rows[i] of w."""
        weights = [derived.tensors[f"{name}.affine.weight"] for name in names]
        w_dim, widest = weights[0].shape[1], max(len(weight) for weight in weights)
        self.weight = weights[0].new_zeros(len(names), w_dim, widest)
        self.bias = weights[0].new_zeros(len(names), 1, widest)
        self.rows = torch.tensor(list(rows), device=weights[0].device)
        scale = 1 / math.sqrt(w_dim)
        for i, (name, weight) in enumerate(zip(names, weights)):
            into = self.weight[i, :, : len(weight)]
            derived.make(f"{name}.affine.weight", compute=lambda weight: weight.t() * scale, into=into, degree=1)
            its = self.bias[i, 0, : len(weight)]
            derived.make(f"{name}.affine.bias", compute=lambda bias: bias, into=its, degree=1)

    def __call__(self, w: Tensor, count: int) -> Tensor:
        """w [N, num_ws, w_dim] -> [count, N, widest]: the styles of the first `count` layers, then zeros."""
        rows = w[:, self.rows[:count]].transpose(0, 1)
        return torch.baddbmm(self.bias[:count], rows, self.weight[:count])


class CpuDemodulation:
    """gain / √(Σ (W·s)²) for every output channel of several layers, as one batched product."""

    def __init__(self, derived: DerivedTensors, names: list[str], *, gain: float, normalise: bool = False) -> None:
        """`normalise`: W divided by its root mean square per output channel, as StyleGAN3 does."""
        weights = [derived.tensors[f"{name}.weight"] for name in names]
        outputs, inputs = (max(weight.shape[axis] for weight in weights) for axis in (0, 1))
        self.energy = weights[0].new_zeros(len(names), inputs, outputs)
        self.epsilon = 1e-8 / gain**2

        def energy(weight: Tensor) -> Tensor:
            weight = normalised(weight) if normalise else weight
            return weight.square().sum((2, 3)).t() / gain**2

        for i, (name, weight) in enumerate(zip(names, weights)):
            into = self.energy[i, : weight.shape[1], : weight.shape[0]]
            derived.make(f"{name}.weight", compute=energy, into=into, degree=0 if normalise else 2)

    def __call__(self, styles: Tensor) -> Tensor:
        """styles [count, N, widest] -> [count, N, most outputs]; what a layer does not have is meaningless."""
        return torch.bmm(styles.square(), self.energy[: len(styles)]).add_(self.epsilon).rsqrt_()


def normalised(weight: Tensor) -> Tensor:
    """W [O, I, k, k] divided by its root mean square per output channel."""
    return weight * torch.rsqrt(weight.square().mean((1, 2, 3), keepdim=True))


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
