"""The small parts that every network here is made of."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzfeld.kernels.leaky_relu import GAIN, SLOPE


def normal(*shape: int) -> Tensor:
    """Random numbers of deviation 1, as `torch.randn` makes them.

    None on the meta device, where a network that is being loaded is first made: drawing them there would import half of
    torch's compiler.
    """
    x = torch.empty(shape)
    return x if x.is_meta else x.normal_()


class Dense(nn.Module):
    """y = act(x · (W·g/√in)ᵀ + b·g), with g the learning-rate multiplier ("equalised learning rate").

    x: [..., in_features] -> [..., out_features]. The activation is a leaky ReLU with gain √2, or none.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: bool = False,
        lr_multiplier: float = 1.0,
        weight_scale: float = 1.0,
        bias: float | tuple[float, ...] = 0.0,
    ) -> None:
        """Random weights of standard deviation `weight_scale` as seen by the signal, and the given bias."""
        super().__init__()
        # In place: a network that is being loaded is first made on the meta device, where `*` imports torch._dynamo.
        self.weight = nn.Parameter(normal(out_features, in_features).mul_(weight_scale / lr_multiplier))
        self.bias = nn.Parameter(torch.empty(out_features))
        if not self.bias.is_meta:  # as `normal`
            self.bias.data.copy_(torch.as_tensor(bias))
        self.activation = activation
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return F.leaky_relu(y, SLOPE) * GAIN if self.activation else y


def normalized(x: Tensor) -> Tensor:
    """Each row of x [N, D] scaled to unit second moment."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
