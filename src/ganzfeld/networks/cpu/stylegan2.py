"""StyleGAN2 for the CPU: the same mathematics as reference/stylegan2.py, arranged for speed.

What is different, and why:
- Activations lie channels-last, which saves oneDNN a change of layout before and after every convolution.
- Gains are multiplied into weights and biases beforehand: g · leaky_relu(v) = leaky_relu(g · v) for g > 0.
- The styles of all layers are one batched product, and so are all demodulations.
- Demodulation and bias are one pass over the activation; everything after a convolution happens in place.

The upsampling convolution stays a transposed convolution and a filter: one 3×3 convolution with four times
the outputs, which wins on a GPU, took 3.5 times as long on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.leaky_relu import GAIN, SLOPE
from ganzfeld.networks.cpu.mapping import CpuMapping
from ganzfeld.networks.cpu.parts import CpuDemodulation, CpuStyles, CpuToRGB, channels_last
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.generator import PLAIN, DerivedWeight, SynthesisOptions
from ganzfeld.networks.noise import layer_noise
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan2.wide import WideStarts
from ganzfeld.networks.wide import middle


class CpuStyleGAN2:
    """A `Generator`."""

    waits = False

    def __init__(
        self, config: StyleGAN2Config, tensors: Mapping[str, Tensor], convolve_in: torch.dtype = torch.float32
    ) -> None:
        """`tensors`: every parameter and buffer by its official name, float32.

        `convolve_in` bfloat16 halves the time of plain convolutions on processors that have instructions for
        it, at an error of some 0.5 % of the picture. Everything else stays in float32.
        """
        self.config = config
        self.weights: Mapping[str, DerivedWeight] = {}
        self.derived = DerivedTensors(tensors)
        self.mapping = CpuMapping(config, self.derived)
        self.const = self.derived.make("synthesis.b4.const", compute=lambda const: channels_last(const[None]))
        self.wide_starts = WideStarts(self.derived)
        self.blocks = [CpuBlock(config, self.derived, number, convolve_in) for number in config.blocks]
        self.convolutions = [convolution for block in self.blocks for convolution in block.convolutions]
        self.to_rgb = [block.torgb for block in self.blocks if block.torgb]
        self.styles = CpuStyles(self.derived, [c.name for c in self.convolutions], range(len(self.convolutions)))
        # A block's torgb reads the row after its last convolution's, which the next block reads too.
        ends = [2 * i + 1 for i, block in enumerate(self.blocks) if block.torgb]
        self.rgb_styles = CpuStyles(self.derived, [torgb.name for torgb in self.to_rgb], ends)
        self.demodulation = CpuDemodulation(self.derived, [c.name for c in self.convolutions], gain=GAIN)

    @staticmethod
    def supports(config: StyleGAN2Config, tensors: Mapping[str, Tensor]) -> bool:
        """Whether a network can go this way: float32 and filters of four taps, as all known files have."""
        filters = [tensor for name, tensor in tensors.items() if name.endswith(".resample_filter")]
        return all(taps.shape == (4, 4) and taps.dtype == torch.float32 for taps in filters)

    def synthesis(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`. Activations are channels-last in memory."""
        until, wide, mode = options.until, options.wide, options.noise_mode
        last = self.config.last_block(until, options.resolution)
        blocks = [block for block in self.blocks if block.number <= last]
        styles = self.styles(w, sum(len(block.convolutions) for block in blocks))
        demodulations = self.demodulation(styles)
        rgb_styles = iter(() if until else self.rgb_styles(w, sum(block.torgb is not None for block in blocks)))
        start = self.wide_starts[wide] if wide is not None else None
        x = (self.const if start is None else start.const).expand(len(w), -1, -1, -1)
        rgb: Tensor | None = None
        layer = 0
        for block in blocks:
            entered = x
            for convolution, name in zip(block.convolutions, block.steps):
                own = convolution.noise_const
                if start is not None and mode != "none":
                    own = start.noise(convolution.name, stream=layer)
                noise = layer_noise(mode, own, len(w), options.seed, stream=layer)
                demodulation, more = demodulations[layer, :, : convolution.out_channels], options.gain(name)
                gain = demodulation if more is None else demodulation * more
                x = options.passed(name, convolution(x, styles[layer], gain, noise, options.noise_strength))
                layer += 1
                if name == until:
                    return middle(self.config, block.name, x, wide)
            if block.skip is not None:
                x = options.passed(block.name, block.skip(entered).add_(x, alpha=math.sqrt(0.5)))
                if block.name == until:
                    return middle(self.config, block.name, x, wide)
            if block.torgb is not None and not until:
                picture = block.torgb(x, next(rgb_styles))
                rgb = picture if rgb is None else upsampled(rgb, block.up_rgb).add_(picture)
        assert rgb is not None
        return middle(self.config, blocks[-1].name, rgb, wide)


class CpuBlock:
    """The layers at one size, and the names of their activations. number: 8 of b8."""

    def __init__(self, config: StyleGAN2Config, derived: DerivedTensors, number: int, convolve_in: torch.dtype) -> None:
        self.number = number
        self.name = f"b{number}"
        prefix = f"synthesis.{self.name}"
        which = [name for name in ("conv0", "conv1") if f"{prefix}.{name}.weight" in derived.tensors]
        self.convolutions = [CpuConvolution(config, derived, f"{prefix}.{name}", convolve_in) for name in which]
        self.skip = CpuSkip(derived, f"{prefix}.skip") if f"{prefix}.skip.weight" in derived.tensors else None
        self.torgb: CpuToRGB | None = None
        if f"{prefix}.torgb.weight" in derived.tensors:
            self.torgb = CpuToRGB(derived, f"{prefix}.torgb", config.conv_clamp)
        self.up_rgb = derived.make(
            f"{prefix}.resample_filter", compute=lambda taps: (4 * taps).expand(config.img_channels, 1, -1, -1)
        )
        self.steps = [f"{self.name}.{name}" for name in which]
        if self.skip is None:
            self.steps[-1] = self.name


class CpuConvolution:
    """Modulated 3×3 convolution (conv0: to twice the size), noise, bias, leaky ReLU, clamp."""

    def __init__(self, config: StyleGAN2Config, derived: DerivedTensors, name: str, convolve_in: torch.dtype) -> None:
        self.name = name
        self.clamp = config.conv_clamp
        self.out_channels, self.in_channels = derived.tensors[f"{name}.weight"].shape[:2]
        self.noise_const = derived.tensors[f"{name}.noise_const"]
        self.bias = derived.make(f"{name}.bias", compute=lambda bias: (bias * GAIN)[None, :, None, None], degree=1)
        self.noise_strength = derived.make(f"{name}.noise_strength", compute=lambda given: given * GAIN, degree=1)
        self.fir: Tensor | None = None
        if name.endswith("conv0"):
            self.weight = derived.make(
                f"{name}.weight", compute=lambda weight: channels_last(weight.transpose(0, 1)), degree=1
            )
            self.fir = derived.make(
                f"{name}.resample_filter",
                compute=lambda taps: (4 * taps).flip(0, 1).repeat(self.out_channels, 1, 1, 1),
            )
        else:
            # The transposed convolution above gains nothing from bfloat16.
            self.weight = derived.make(
                f"{name}.weight", compute=lambda weight: channels_last(weight).to(convolve_in), degree=1
            )

    def __call__(
        self, x: Tensor, style: Tensor, gain: Tensor, noise: Tensor | None, noise_strength: float | Tensor
    ) -> Tensor:
        """x [N, I, h, w], style [N, ≥ I], gain [N, O]: demodulation times the activation's gain."""
        x = x * style[:, : self.in_channels, None, None]
        if self.fir is None:
            x = F.conv2d(x.to(self.weight.dtype), self.weight, padding=1).float()
        else:
            x = F.conv_transpose2d(x, self.weight, stride=2)
            x = F.conv2d(x, self.fir, padding=1, groups=self.out_channels)
        torch.addcmul(self.bias, x, gain[:, :, None, None], out=x)
        if noise is not None:
            x.add_(noise * (self.noise_strength * noise_strength))
        x = F.leaky_relu_(x, SLOPE)
        return x if self.clamp is None else x.clamp_(-self.clamp, self.clamp)


class CpuSkip:
    """The way around a block of the "resnet" architecture, times √0.5."""

    def __init__(self, derived: DerivedTensors, name: str) -> None:
        out_channels, in_channels = derived.tensors[f"{name}.weight"].shape[:2]
        scale = math.sqrt(0.5 / in_channels)
        self.weight = derived.make(f"{name}.weight", compute=lambda weight: channels_last(weight * scale), degree=1)
        self.up = derived.make(f"{name}.resample_filter", compute=lambda taps: (4 * taps).repeat(out_channels, 1, 1, 1))

    def __call__(self, x: Tensor) -> Tensor:
        """x [N, I, h, w] -> [N, O, 2·h, 2·w]."""
        return upsampled(F.conv2d(x, self.weight), self.up)


def upsampled(x: Tensor, taps: Tensor) -> Tensor:
    """[N, C, h, w] to twice the size by `taps` [C, 1, 4, 4]."""
    return F.conv_transpose2d(x, taps, stride=2, padding=1, groups=x.shape[1])
