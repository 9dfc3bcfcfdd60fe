"""StyleGAN2, readable top to bottom: the reference that every faster path is checked against.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), in all three architectures:
"skip" (each block adds to a running RGB picture), "orig" (only the last block makes RGB) and "resnet".
Names of parameters and buffers are those of the official files. It trains as it stands.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzfeld.kernels.leaky_relu import biased_leaky_relu
from ganzfeld.kernels.modulated_convolution import modulated_convolution
from ganzfeld.kernels.upfirdn import binomial_filter, upsample2
from ganzfeld.networks.generator import PLAIN, GeneratorModule, SynthesisModule, SynthesisOptions
from ganzfeld.networks.noise import layer_noise
from ganzfeld.networks.reference.layers import Dense, normal
from ganzfeld.networks.reference.mapping import MappingNetwork
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan2.wide import wide_const, wide_noise
from ganzfeld.networks.wide import middle


class StyleGAN2(GeneratorModule):
    """The generator: `mapping` (z -> w) and `synthesis` (w -> picture)."""

    def __init__(self, config: StyleGAN2Config) -> None:
        """Random weights, as at the start of training."""
        super().__init__()
        self.config = config
        self.synthesis = StyleGAN2Synthesis(config)
        self.mapping = MappingNetwork(config)


class StyleGAN2Synthesis(SynthesisModule):
    """w [N, num_ws, w_dim] -> picture [N, img_channels, H, W], about −1..1."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        before = 0
        for number, channels in zip(config.blocks, config.channels):
            self.add_module(f"b{number}", StyleGAN2Block(config, number, before, channels))
            before = channels

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the activations that can be had and changed, in order: b4, b8.conv0, b8, …

        A block's own name is its activation after the last convolution, in "resnet" after the sum.
        """
        return tuple(name for block in self.blocks for name in block.steps)

    @property
    def blocks(self) -> list[StyleGAN2Block]:
        return [block for block in self.children() if isinstance(block, StyleGAN2Block)]

    def forward(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`."""
        until, wide = options.until, options.wide
        last = self.config.last_block(until, options.resolution)
        x = self.blocks[0].const
        if wide is not None:
            x = wide_const(x, *wide.side((x.shape[1], x.shape[2]), 1), wide.fill)
        x = x.expand(len(w), -1, -1, -1)
        rgb: Tensor | None = None
        row = 0
        for block in self.blocks:
            entered = x
            for convolution, name in zip(block.convolutions, block.steps):
                own = convolution.noise_const
                if wide is not None:
                    cell = block.number // 4
                    own = wide_noise(own, *wide.side((own.shape[0], own.shape[1]), cell), wide.fill, cell, row + 1)
                noise = layer_noise(options.noise_mode, own, len(w), options.seed, stream=row)
                noise = noise if noise is None else noise * options.noise_strength
                x = options.passed(name, convolution(x, w[:, row], noise, options.gain(name)))
                row += 1
                if name == until:
                    return middle(self.config, block.name, x, wide)
            if block.skip is not None:
                x = options.passed(block.name, (x + block.skip(entered)) * math.sqrt(0.5))
                if block.name == until:
                    return middle(self.config, block.name, x, wide)
            if block.torgb is not None and until is None:
                # The next block's first convolution reads the same row of w.
                picture: Tensor = block.torgb(x, w[:, row]).float()
                rgb = picture if rgb is None else upsample2(rgb, block.resample_filter) + picture
                if block.number == last:
                    return middle(self.config, block.name, rgb, wide)
        raise ValueError(f"there is no layer {until!r}, or no picture of {options.resolution} px")


class StyleGAN2Block(nn.Module):
    """The layers that work at one size; `StyleGAN2Synthesis.forward` calls them. number: 8 of b8."""

    resample_filter: Tensor

    def __init__(self, config: StyleGAN2Config, number: int, in_channels: int, channels: int) -> None:
        super().__init__()
        self.name = f"b{number}"
        self.number = number
        width, height = config.block_size(number)
        self.register_buffer("resample_filter", binomial_filter(config.resample_filter))
        self.conv0: StyleGAN2Convolution | None = None
        if not in_channels:
            self.const = nn.Parameter(normal(channels, height, width))
        else:
            self.conv0 = StyleGAN2Convolution(config, (height, width), in_channels, channels, up=True)
        self.conv1 = StyleGAN2Convolution(config, (height, width), channels, channels)
        self.torgb = self.skip = None
        if config.architecture == "skip" or number == config.blocks[-1]:
            self.torgb = StyleGAN2ToRGB(config, channels)
        if config.architecture == "resnet" and in_channels:
            self.skip = StyleGAN2Skip(config, in_channels, channels)

    @property
    def convolutions(self) -> list[StyleGAN2Convolution]:
        return [self.conv1] if self.conv0 is None else [self.conv0, self.conv1]

    @property
    def steps(self) -> list[str]:
        """The names of this block's activations, in order."""
        first = [] if self.conv0 is None else [f"{self.name}.conv0"]
        return [*first, *([f"{self.name}.conv1"] if self.skip is not None else []), self.name]


class StyleGAN2Convolution(nn.Module):
    """Modulated 3×3 convolution (`up`: to twice the size), noise, bias, leaky ReLU, clamp."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self,
        config: StyleGAN2Config,
        size: tuple[int, int],
        in_channels: int,
        out_channels: int,
        up: bool = False,
    ) -> None:
        """size: (height, width) of what it makes."""
        super().__init__()
        self.up = up
        self.clamp = config.conv_clamp
        self.affine = Dense(config.w_dim, in_channels, bias=1)
        self.weight = nn.Parameter(normal(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", normal(*size))
        self.register_buffer("resample_filter", binomial_filter(config.resample_filter))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None, gain: Tensor | None = None) -> Tensor:
        """x [N, I, h, w], w [N, w_dim], noise [N or 1, 1, H, W] or None, gain 0-d, [O] or None -> [N, O, H, W]."""
        up_filter = self.resample_filter if self.up else None
        x = modulated_convolution(x, self.weight, self.affine(w), padding=1, up_filter=up_filter, gain=gain)
        noise = noise if noise is None else noise * self.noise_strength
        return biased_leaky_relu(x, self.bias, noise=noise, clamp=self.clamp)


class StyleGAN2ToRGB(nn.Module):
    """Modulated 1×1 convolution to the picture's channels, without demodulation or activation."""

    def __init__(self, config: StyleGAN2Config, channels: int) -> None:
        super().__init__()
        self.clamp = config.conv_clamp
        self.affine = Dense(config.w_dim, channels, bias=1)
        self.weight = nn.Parameter(normal(config.img_channels, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))
        self.weight_gain = 1 / math.sqrt(channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, C, H, W], w [N, w_dim] -> [N, img_channels, H, W]."""
        style = self.affine(w) * self.weight_gain
        x = modulated_convolution(x, self.weight, style, demodulate=False)
        x = x + self.bias[:, None, None].to(x.dtype)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class StyleGAN2Skip(nn.Module):
    """The way around a block of the "resnet" architecture: a 1×1 convolution to twice the size."""

    resample_filter: Tensor

    def __init__(self, config: StyleGAN2Config, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(out_channels, in_channels, 1, 1))
        self.register_buffer("resample_filter", binomial_filter(config.resample_filter))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, I, h, w] -> [N, O, 2·h, 2·w]."""
        return upsample2(torch.conv2d(x, self.weight * self.weight_gain), self.resample_filter)
