"""StyleGAN2 the way a GPU likes to train it: the parameters of the played network, another order of arithmetic.

The same function as `ganzfeld.networks.reference.stylegan2` (a test holds them together) in bfloat16 and channels-last,
written so that the compiler can fuse everything between two convolutions, with the pictures of a smaller resolution on
the way (``resolution``) and the newest block faded in (``fade``), as in Karras et al., "Progressive Growing of GANs"
(2018).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzfeld.kernels.modulated_convolution import demodulation
from ganzfeld.networks.reference.stylegan2 import StyleGAN2, StyleGAN2Block, StyleGAN2Convolution, StyleGAN2ToRGB

STYLE_MIXING = 0.5
"""Share of the pictures whose later layers get the style of a second latent."""


class TrainedStyleGAN2(nn.Module):
    """Wraps a network for training: ``forward(z, resolution, fade)``."""

    def __init__(self, network: StyleGAN2, dtype: torch.dtype = torch.bfloat16):
        super().__init__()
        self.network = network
        self.dtype = dtype
        self.z_dim = network.config.z_dim

    def styles(self, n: int, device: torch.device) -> Tensor:
        """Random w ``[n, num_ws, w_dim]`` with style mixing; also moves the network's average w."""
        first, second = self.network.mapping(torch.randn(2 * n, self.z_dim, device=device)).chunk(2)
        self.network.mapping.track_average(first)
        rows = first.shape[1]
        mixed = torch.rand(n, device=device) < STYLE_MIXING
        start = torch.where(mixed, torch.randint(1, rows, (n,), device=device), rows)
        return torch.where(torch.arange(rows, device=device)[None, :, None] >= start[:, None, None], second, first)

    def forward(self, w: Tensor, resolution: int, fade: Tensor, noise: bool = True) -> tuple[Tensor, None]:
        """w ``[n, num_ws, w_dim]`` to pictures ``[n, 3, r, r]``, r = resolution, whose block counts ``fade``."""
        blocks: list[StyleGAN2Block] = self.network.synthesis.blocks
        x = blocks[0].const.expand(len(w), -1, -1, -1).to(self.dtype, memory_format=torch.channels_last)
        rgb: Tensor | None = None
        row = 0
        for block in blocks:
            for convolution in block.convolutions:
                x = _convolve(convolution, x, w[:, row], noise)
                row += 1
            picture = _to_rgb(block.torgb, x, w[:, row])
            if rgb is not None:
                rgb = double(rgb) + (picture * fade if block.number == resolution else picture)
            else:
                rgb = picture
            if block.number == resolution:
                return rgb, None
        raise ValueError(f"the network makes no picture of {resolution} px")


def _convolve(layer: StyleGAN2Convolution, x: Tensor, w: Tensor, noise: bool) -> Tensor:
    style = layer.affine(w)
    weight = layer.weight.to(x.dtype)
    x = x * style[:, :, None, None].to(x.dtype)
    if layer.up:
        x = smooth(
            F.conv_transpose2d(x, weight.transpose(0, 1).contiguous(memory_format=torch.channels_last), stride=2)
        )
    else:
        x = F.conv2d(x, weight.contiguous(memory_format=torch.channels_last), padding=1)
    x = x * demodulation(layer.weight, style)[:, :, None, None].to(x.dtype)
    if noise:
        x = x + (torch.randn(len(x), 1, *x.shape[2:], device=x.device) * layer.noise_strength).to(x.dtype)
    x = F.leaky_relu(x + layer.bias[:, None, None].to(x.dtype), 0.2) * math.sqrt(2)
    return x if layer.clamp is None else x.clamp(-layer.clamp, layer.clamp)


def _to_rgb(layer: StyleGAN2ToRGB, x: Tensor, w: Tensor) -> Tensor:
    style = (layer.affine(w) * layer.weight_gain).to(x.dtype)
    picture = F.conv2d(x * style[:, :, None, None], layer.weight.to(x.dtype)) + layer.bias[:, None, None].to(x.dtype)
    return picture.float()


def smooth(x: Tensor) -> Tensor:
    """What follows a transposed convolution by 2: the FIR [1, 3, 3, 1] with gain 4, ``2h + 1`` samples to ``2h``.

    [1, 3, 3, 1] is [1, 1] three times over: three average pools, which eager torch has kernels for. The compiler
    does better with plain sums.
    """
    x = F.pad(x, (1, 1, 1, 1))
    if not torch.compiler.is_compiling():
        for _ in range(3):
            x = F.avg_pool2d(x, 2, stride=1)
        return x * 4
    x = x[..., :-3] * 0.25 + x[..., 1:-2] * 0.75 + x[..., 2:-1] * 0.75 + x[..., 3:] * 0.25
    return x[:, :, :-3] * 0.25 + x[:, :, 1:-2] * 0.75 + x[:, :, 2:-1] * 0.75 + x[:, :, 3:] * 0.25


def double(rgb: Tensor) -> Tensor:
    """Pictures at twice the size by the FIR [1, 3, 3, 1], zero outside: two phases an axis."""
    for axis in (2, 3):
        padded = F.pad(rgb, (0, 0, 1, 1) if axis == 2 else (1, 1, 0, 0))
        size = rgb.shape[axis]
        before, here, after = (padded.narrow(axis, k, size) for k in range(3))
        phases = torch.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis + 1)
        rgb = phases.flatten(axis, axis + 1)
    return rgb
