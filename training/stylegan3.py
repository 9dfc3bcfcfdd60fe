"""StyleGAN3-T the way a GPU likes to train it: the parameters of the played network, another order of arithmetic.

The same function as `ganzfeld.networks.reference.stylegan3` (a test holds the two together) in bfloat16. The two
filters of each layer are banded matrices on tensor cores, [n, h, c, w] between the convolutions so that both axes are
plain matrix products, and every activation carries a frame of zeros, which makes its size a multiple of 8 and stands in
for the convolution's padding.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzfeld.kernels.modulated_convolution import demodulation
from ganzfeld.networks.reference.stylegan3 import StyleGAN3, StyleGAN3Layer
from ganzfeld.networks.stylegan3.config import LayerConfig


class TrainedStyleGAN3(nn.Module):
    """Wraps a network for training: ``forward(w, resolution, fade)``; it has one resolution and nothing to fade."""

    def __init__(self, network: StyleGAN3, dtype: torch.dtype = torch.bfloat16):
        super().__init__()
        self.network = network
        self.dtype = dtype
        self.z_dim = network.config.z_dim
        for layer in self.layers[:-1]:
            up, down = filter_matrices(layer.config, layer.up_filter, layer.down_filter)
            layer.register_buffer("up_matrix", up.to(dtype), persistent=False)
            layer.register_buffer("down_matrix", down.to(dtype), persistent=False)

    @property
    def layers(self) -> list[StyleGAN3Layer]:
        return [layer for layer in self.network.synthesis.children() if isinstance(layer, StyleGAN3Layer)]

    def styles(self, n: int, device: torch.device) -> Tensor:
        """Random w ``[n, num_ws, w_dim]``; also moves the network's average w. StyleGAN3 mixes no styles."""
        w = self.network.mapping(torch.randn(n, self.z_dim, device=device))
        self.network.mapping.track_average(w)
        return w

    def forward(self, w: Tensor, resolution: int, fade: Tensor, noise: bool = True) -> tuple[Tensor, Tensor]:
        """w ``[n, num_ws, w_dim]`` to pictures ``[n, 3, R, R]`` and the mean squares of what each layer met."""
        width = framed(self.network.config.input.size[0])
        x = self.network.synthesis.input(w[:, 0])
        frame = (width - x.shape[-1]) // 2
        x = F.pad(x, (frame, frame, frame, frame)).to(self.dtype)
        squares = []
        for row, layer in enumerate(self.layers, 1):
            config = layer.config
            squares.append(x.detach().float().square().sum() / (len(x) * config.in_channels * config.in_size[0] ** 2))
            x = _to_rgb(layer, x, w[:, row]) if config.torgb else _layer(layer, x, w[:, row])
        return x * self.network.synthesis.output_scale, torch.stack(squares)

    @torch.no_grad()
    def track_magnitudes(self, squares: Tensor, beta: float) -> None:
        """Moves each layer's ``magnitude_ema`` towards what the last pictures showed."""
        magnitudes = [layer.magnitude_ema for layer in self.layers]
        torch._foreach_lerp_(magnitudes, list(squares.unbind()), 1 - beta)


def _layer(layer: StyleGAN3Layer, x: Tensor, w: Tensor) -> Tensor:
    style = layer.affine(w).float()
    style = style * torch.rsqrt(style.square().mean(1, keepdim=True))
    weight = layer.weight * torch.rsqrt(layer.weight.square().mean((1, 2, 3), keepdim=True))
    scale = style * torch.rsqrt(layer.magnitude_ema)
    x = (x * scale[:, :, None, None].to(x.dtype)).contiguous(memory_format=torch.channels_last)
    x = F.conv2d(x, weight.to(x.dtype, memory_format=torch.channels_last), padding=1)
    x = x * demodulation(weight, style)[:, :, None, None].to(x.dtype) + layer.bias[:, None, None].to(x.dtype)
    n, channels, height, width = x.shape
    up, down = layer.up_matrix, layer.down_matrix
    x = x.permute(0, 2, 1, 3).reshape(n, height, channels * width)
    x = torch.bmm(up.expand(n, -1, -1), x)  # rows up
    x = x.reshape(-1, width) @ up.t()  # columns up
    x = (F.leaky_relu(x, 0.2) * math.sqrt(2)).clamp(-256, 256)
    x = x @ down.t()
    x = torch.bmm(down.expand(n, -1, -1), x.reshape(n, len(up), -1))
    return x.reshape(n, len(down), channels, len(down)).permute(0, 2, 1, 3)


def _to_rgb(layer: StyleGAN3Layer, x: Tensor, w: Tensor) -> Tensor:
    style = layer.affine(w).float() * (torch.rsqrt(layer.magnitude_ema) / math.sqrt(layer.config.in_channels))
    weight = layer.weight[:, :, 0, 0] * style[:, None, :]
    size = layer.config.in_size[0]
    frame = (x.shape[-1] - size) // 2
    x = x[:, :, frame : frame + size, frame : frame + size]
    picture = torch.einsum("noc,nchw->nohw", weight.to(x.dtype), x) + layer.bias[:, None, None].to(x.dtype)
    return picture.float()


def framed(size: int) -> int:
    """The size with a frame of at least one zero on each side, a multiple of 8."""
    return math.ceil((size + 2) / 8) * 8


def filter_matrices(config: LayerConfig, up_filter: Tensor | None, down_filter: Tensor | None) -> tuple[Tensor, Tensor]:
    """What a layer's filters do to one axis: up ``[t, in]``, down ``[out, t]``; framed sizes, t a multiple of 8.

    Both axes must be alike, as in every network that `StyleGAN3Config.design` makes.
    """
    one = torch.ones(1)
    rising = (one if up_filter is None else up_filter).double().cpu().numpy()
    falling = (one if down_filter is None else down_filter).double().cpu().numpy()
    taken, made = config.in_size[0], config.out_size[0]
    low, high = config.padding[0], config.padding[1]
    between = (taken + config.kernel - 1) * config.up + low + high - len(rising) + 1
    steps = math.ceil(between / 8) * 8
    before, after = (framed(taken) - taken) // 2, (framed(made) - made) // 2

    up = torch.zeros(steps, framed(taken))
    for sample in range(taken + config.kernel - 1):
        for tap, value in enumerate(rising[::-1]):
            place = sample * config.up + low - tap
            if 0 <= place < between:
                up[place, sample - 1 + before] = value * config.up
    down = torch.zeros(framed(made), steps)
    for sample in range(made):
        for tap, value in enumerate(falling[::-1]):
            down[sample + after, sample * config.down + tap] = value
    return up, down
