"""The other player: a residual discriminator as in StyleGAN2 (Karras et al. 2020), for any power of two.

It judges pictures at the resolution that they come in: each size has its own 1×1 entry, and the newest block is
faded in together with the generator's. Box filters stand in for the paper's [1, 3, 3, 1]: they differentiate twice
cheaply, which R1 needs.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Discriminator(nn.Module):
    """``channels[k]`` at 4·2ᵏ pixels. ``forward`` gives one logit a picture; above 0 means real."""

    def __init__(self, channels: tuple[int, ...], group: int = 4, dtype: torch.dtype = torch.bfloat16):
        super().__init__()
        self.sizes = [4 * 2**k for k in range(len(channels))]
        self.group, self.dtype = group, dtype
        self.entries = nn.ModuleDict({str(r): Scaled(3, c, 1) for r, c in zip(self.sizes, channels)})
        self.blocks = nn.ModuleDict(
            {str(r): Down(c, below) for r, c, below in zip(self.sizes[1:], channels[1:], channels[:-1])}
        )
        last = channels[0]
        self.convolution = Scaled(last + 1, last, 3)
        self.dense = Scaled(last * 16, last, 1)
        self.verdict = Scaled(last, 1, 1)

    def forward(self, pictures: Tensor, fade: Tensor) -> Tensor:
        """Pictures ``[n, 3, r, r]``, -1..1, n a multiple of the group -> logits ``[n]``."""
        size = pictures.shape[-1]
        pictures = pictures.to(self.dtype, memory_format=torch.channels_last)
        x = activate(self.entries[str(size)](pictures))
        while size > 4:
            x = self.blocks[str(size)](x)
            size //= 2
            if size * 2 == pictures.shape[-1] and size > 4:
                older = activate(self.entries[str(size)](F.avg_pool2d(pictures, 2)))
                x = torch.lerp(older, x, fade.to(x.dtype))
        x = torch.cat([x, self._spread(x)], 1)
        x = activate(self.convolution(x))
        x = activate(self.dense(x.contiguous().reshape(len(x), -1, 1, 1)))
        return self.verdict(x).float().flatten()

    def _spread(self, x: Tensor) -> Tensor:
        """Minibatch standard deviation: how much the pictures of a group differ, one number a group, as a channel."""
        n, _, h, w = x.shape
        groups = x.float().reshape(n // self.group, self.group, -1)
        spread = (groups.var(1, unbiased=False) + 1e-8).sqrt().mean(1)
        return spread.repeat_interleave(self.group).view(n, 1, 1, 1).expand(n, 1, h, w).to(x.dtype)


class Scaled(nn.Module):
    """A convolution with equalised learning rate: unit-variance parameters, scaled when used."""

    def __init__(self, inside: int, outside: int, kernel: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outside))
        self.gain = 1 / math.sqrt(inside * kernel * kernel)
        self.padding = kernel // 2

    def forward(self, x: Tensor, stride: int = 1, padding: int | None = None) -> Tensor:
        weight = (self.weight * self.gain).to(x.dtype, memory_format=torch.channels_last)
        return F.conv2d(x, weight, self.bias.to(x.dtype), stride, self.padding if padding is None else padding)


class Down(nn.Module):
    """A residual block to half the size."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.first, self.second = Scaled(inside, inside, 3), Scaled(inside, outside, 3)
        self.around = Scaled(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        around = self.around(F.avg_pool2d(x, 2))
        x = activate(self.first(x))
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1)), 2, stride=1)
        x = activate(self.second(x, stride=2, padding=0))
        return (x + around) * math.sqrt(0.5)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU with gain √2, clamped as in StyleGAN2-ADA."""
    return (F.leaky_relu(x, 0.2) * math.sqrt(2)).clamp(-256, 256)
