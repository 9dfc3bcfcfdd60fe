"""StyleGAN3, readable top to bottom: the reference that every faster path is checked against.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021), both kinds: T (separable filters, 3×3
convolutions) and R (radial filters, 1×1). Names of parameters and buffers are those of the official files.
It trains as it stands.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzfeld.kernels.filtered_leaky_relu import filtered_leaky_relu
from ganzfeld.kernels.modulated_convolution import modulated_convolution
from ganzfeld.networks.filters import low_pass
from ganzfeld.networks.generator import PLAIN, GeneratorModule, SynthesisModule, SynthesisOptions
from ganzfeld.networks.reference.layers import Dense, normal
from ganzfeld.networks.reference.mapping import MappingNetwork
from ganzfeld.networks.stylegan3.config import InputConfig, LayerConfig, StyleGAN3Config
from ganzfeld.networks.wide import Wide, middle


class StyleGAN3(GeneratorModule):
    """The generator: `mapping` (z -> w) and `synthesis` (w -> picture)."""

    def __init__(self, config: StyleGAN3Config) -> None:
        """Random weights, as at the start of training."""
        super().__init__()
        self.config = config
        self.synthesis = StyleGAN3Synthesis(config)
        self.mapping = MappingNetwork(config)


class StyleGAN3Synthesis(SynthesisModule):
    """w [N, num_ws, w_dim] -> picture [N, img_channels, R, R], about −1..1."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.output_scale = config.output_scale
        self.input = FourierFeatures(config.input, config.w_dim)
        for layer in config.layers:
            self.add_module(layer.name, StyleGAN3Layer(layer, config.w_dim))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the activations that can be had and changed, in order: input, L0_36_1024, …"""
        return ("input", *(layer.name for layer in self.config.layers))

    def forward(self, w: Tensor, options: SynthesisOptions = PLAIN, *, track_magnitudes: bool = False) -> Tensor:
        """As `Generator.synthesis`; there is no noise, and no smaller picture. `track_magnitudes` is for training."""
        x = w
        for row, name in enumerate(self.layers):
            if row == 0:
                x = self.input(w[:, row], options.transform, options.wide)
            else:
                layer = self.get_submodule(name)
                if track_magnitudes and isinstance(layer, StyleGAN3Layer):
                    layer.track_magnitude(x)
                x = layer(x, w[:, row], options.gain(name))
            x = options.passed(name, x)
            if name == options.until:
                return middle(self.config, name, x, options.wide)
        if options.until is not None:
            raise ValueError(f"there is no layer {options.until!r}")
        return middle(self.config, self.layers[-1], x.float() * self.output_scale, options.wide)


class FourierFeatures(nn.Module):
    """Sine waves over the plane, turned and moved as w and the user say, mixed by a learned matrix."""

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, config: InputConfig, w_dim: int) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        # Frequencies fill the disc up to the bandwidth evenly.
        # (On the CPU: arithmetic on the meta device, where a loading network is made, would import torch._dynamo.)
        angle = 2 * math.pi * torch.rand(channels, device="cpu")
        radius = config.bandwidth * torch.rand(channels, device="cpu").sqrt()
        self.affine = Dense(w_dim, 4, weight_scale=0, bias=(1, 0, 0, 0))
        self.weight = nn.Parameter(normal(channels, channels))
        self.register_buffer("transform", torch.eye(3, device="cpu"))
        self.register_buffer("freqs", torch.stack([angle.cos() * radius, angle.sin() * radius], 1))
        self.register_buffer("phases", torch.rand(channels, device="cpu") - 0.5)

    def forward(self, w: Tensor, transform: Tensor | None = None, wide: Wide | None = None) -> Tensor:
        """w [N, w_dim], transform [3, 3] or [N, 3, 3] -> [N, channels, height, width]."""
        transform = self.transform if transform is None else transform.to(self.transform)
        c, s, x, y = self.motion(w)
        one, zero = torch.ones_like(c), torch.zeros_like(c)
        rotate = matrix([[c, -s, zero], [s, c, zero], [zero, zero, one]])
        move = matrix([[one, zero, -x], [zero, one, -y], [zero, zero, one]])
        motion = rotate @ move @ transform  # [N, 3, 3]

        phases = self.phases + (self.freqs @ motion[:, :2, 2:]).squeeze(2)  # [N, C]
        freqs = self.freqs @ motion[:, :2, :2]  # [N, C, 2]
        # Frequencies that the transform pushes past the band fade out.
        rate, band = self.config.sampling_rate, self.config.bandwidth
        amplitude = (1 - (freqs.norm(dim=2) - band) / (rate / 2 - band)).clamp(0, 1)

        waves = self.grid(wide) @ freqs[:, None].transpose(2, 3) + phases[:, None, None]  # [N, h, w, C]
        waves = torch.sin(2 * math.pi * waves) * amplitude[:, None, None]
        return (waves @ (self.weight / math.sqrt(len(self.weight))).t()).permute(0, 3, 1, 2)

    def motion(self, w: Tensor) -> tuple[Tensor, ...]:
        """cos, sin of the learned rotation and the learned translation x, y, each [N]."""
        t = self.affine(w).float()
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        return t.unbind(1)

    def grid(self, wide: Wide | None = None) -> Tensor:
        """Where the samples are: x and y [1, height, width, 2] in units of the picture, from its centre."""
        width, height = self.config.size
        if wide is not None:
            height, width = wide.side((height, width), 1)
        return sampling_grid((width, height), self.config.sampling_rate, self.freqs.device)


class StyleGAN3Layer(nn.Module):
    """Modulated convolution, then a leaky ReLU between two filters; the last layer (torgb) has neither."""

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(self, config: LayerConfig, w_dim: int) -> None:
        super().__init__()
        self.config = config
        self.affine = Dense(w_dim, config.in_channels, bias=1)
        self.weight = nn.Parameter(normal(config.out_channels, config.in_channels, config.kernel, config.kernel))
        self.bias = nn.Parameter(torch.zeros(config.out_channels))
        self.register_buffer("magnitude_ema", torch.ones(()))
        self.register_buffer("up_filter", designed_filter(config, "up"))
        self.register_buffer("down_filter", designed_filter(config, "down"))

    def forward(self, x: Tensor, w: Tensor, gain: Tensor | None = None) -> Tensor:
        """x [N, I, h, w], w [N, w_dim], gain 0-d, [O] or None -> [N, O, H, W]."""
        config = self.config
        style = self.affine(w).float()
        weight = self.weight
        if config.torgb:
            style = style / math.sqrt(config.in_channels)
        else:
            # Demodulation takes these scales out again; without them half precision overflows before it.
            style = style * torch.rsqrt(style.square().mean(1, keepdim=True))
            weight = weight * torch.rsqrt(weight.square().mean((1, 2, 3), keepdim=True))
        # The input's long-run magnitude scales it to one, outside of what demodulation normalises.
        x = x * torch.rsqrt(self.magnitude_ema).to(x.dtype)
        x = modulated_convolution(x, weight, style, demodulate=not config.torgb, padding=config.kernel - 1, gain=gain)
        return filtered_leaky_relu(
            x,
            self.bias,
            self.up_filter,
            self.down_filter,
            up=config.up,
            down=config.down,
            padding=config.padding,
            slope=1.0 if config.torgb else 0.2,
            gain=1.0 if config.torgb else math.sqrt(2),
            clamp=config.clamp,
        )

    @torch.no_grad()
    def track_magnitude(self, x: Tensor, beta: float = 0.999) -> None:
        """Training: move `magnitude_ema` towards the mean square of this layer's input x."""
        self.magnitude_ema.lerp_(x.detach().float().square().mean(), 1 - beta)


def sampling_grid(size: tuple[int, int], rate: float, device: torch.device) -> Tensor:
    """Where the samples of a field of `size` (width, height) are: x and y [1, height, width, 2] in units of the
    network's own picture, from the centre; `rate` samples a unit."""
    axes = [(torch.arange(side, device=device) + 0.5 - side / 2) / rate for side in size]
    return torch.stack(torch.meshgrid(*axes, indexing="xy"), 2)[None]


def matrix(rows: list[list[Tensor]]) -> Tensor:
    """[N, 3, 3] from its elements, each [N]."""
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def designed_filter(config: LayerConfig, way: str) -> Tensor | None:
    """The layer's up or down filter by its cutoff, or (to be loaded) zeros where the design is not known."""
    if way == "up":
        shape, cutoff, half_width = config.up_taps, config.in_cutoff, config.in_half_width
        rate = config.in_sampling_rate * config.up
    else:
        shape, cutoff, half_width = config.down_taps, config.out_cutoff, config.out_half_width
        rate = config.out_sampling_rate * config.down
    if not shape:
        return None
    if cutoff is None or half_width is None:
        return torch.zeros(shape)
    return low_pass(shape, cutoff, half_width, rate)
