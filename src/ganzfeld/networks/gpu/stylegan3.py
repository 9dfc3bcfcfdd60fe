"""StyleGAN3 for a GPU: the same mathematics as reference/stylegan3.py, in half precision, two kernels a layer.

- As in stylegan2.py here, styles scale activations and weights have norm 1. Activations lie channels-last in half
  precision. The convolutions are cuDNN's: at these odd numbers of channels it beats our own (benchmarks/RESULTS.md).
- A layer's second kernel does all the rest in one pass: demodulation, bias, both filters and the leaky ReLU between
  them, the next layer's style. What lies between the filters is never written to memory.
- Channels are padded to multiples of eight with zeros, as tensor cores and 16-byte loads want them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.cuda.compiler import available
from ganzfeld.kernels.cuda.streamed_filter import StreamedFilter, streamed_filter
from ganzfeld.kernels.filtered_leaky_relu import filtered_leaky_relu
from ganzfeld.kernels.generator_layer import Colours
from ganzfeld.kernels.side_streams import PendingTensors
from ganzfeld.kernels.triton import convolution as kernel
from ganzfeld.kernels.triton.entry import enter
from ganzfeld.kernels.triton.styles import dense
from ganzfeld.kernels.triton.waves import waves
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.generator import PLAIN, SynthesisOptions
from ganzfeld.networks.gpu.parts import LARGEST, ConvolutionWeight, GpuColours, GpuMapping, GpuModulation, GpuStyles
from ganzfeld.networks.stylegan3.config import LayerConfig, StyleGAN3Config
from ganzfeld.networks.wide import Wide, middle

LEAST_STYLE = 1e-3
"""Styles have norm 1 over a layer's channels; what one below this multiplied cannot be told from its product."""


@dataclass(frozen=True, slots=True)
class GpuLayer:
    """One layer but the last: where its tensors are."""

    config: LayerConfig
    name: str
    inputs: int
    outputs: int
    """Channels, padded."""
    weight: Tensor
    bias: Tensor
    filters: StreamedFilter


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """A layer in a picture of one size: (height, width) before it, after its convolution, and after its filters."""

    layer: GpuLayer
    entry: tuple[int, int]
    raw: tuple[int, int]
    out: tuple[int, int]


class GpuStyleGAN3:
    """A `Generator`."""

    waits = True

    def __init__(
        self, config: StyleGAN3Config, tensors: Mapping[str, Tensor], pending: PendingTensors | None = None
    ) -> None:
        self.config, self.pending = config, pending or PendingTensors()
        self.derived = DerivedTensors(tensors)
        self.device = tensors["mapping.w_avg"].device
        self.mapping = GpuMapping(config, self.derived)
        self.first = torch.zeros(1, dtype=torch.int32, device=self.device)
        name = "synthesis.input"
        scale = 1 / math.sqrt(config.w_dim)
        self.motion_weight = self.derived.make(f"{name}.affine.weight", compute=lambda weight: weight[None] * scale)
        self.motion_bias = self.derived.make(f"{name}.affine.bias", compute=lambda bias: bias[None])
        self.input_weight = self.derived.make(
            f"{name}.weight", compute=lambda weight: (weight.t() / math.sqrt(len(weight))).half().contiguous()
        )
        *inner, self.last = config.layers
        names = [f"synthesis.{layer.name}" for layer in config.layers]
        widest = max(padded(layer.in_channels) for layer in config.layers)
        self.styles = GpuStyles(self.derived, names, range(1, len(names) + 1), widest)
        convolved_by = [tensors[f"{name}.weight"] for name in names[:-1]]
        self.modulation = GpuModulation(convolved_by, widest, gain=1, normalise=True)
        self.weights: dict[str, ConvolutionWeight] = {}
        self.layers = [self._layer(i, layer) for i, layer in enumerate(inner)]
        for i, name in enumerate(names[:-1]):
            self.derived.make(f"{name}.magnitude_ema", compute=torch.rsqrt, into=self.modulation.factor[i, 0])
        self.colours = GpuColours(self.derived, names[-1:], [padded(self.last.in_channels)])
        self.rgb_bias = tensors[f"{names[-1]}.bias"]
        self.rgb_gain = self.derived.make(f"{names[-1]}.magnitude_ema", compute=torch.rsqrt)
        self.ones = torch.ones(widest, device=self.device)
        self._plans: dict[Wide | None, list[PlannedLayer]] = {}

    @staticmethod
    def supports(config: StyleGAN3Config, tensors: Mapping[str, Tensor]) -> bool:
        """Whether a network can go this way: filters of the paper's lengths, a last layer of 1×1."""
        last = config.layers[-1]
        return (
            all(
                len(layer.up_taps) == 1
                and StreamedFilter.supports(*layer.up_taps, layer.down_taps, layer.up, layer.down)
                for layer in config.layers[:-1]
            )
            and last.torgb
            and last.kernel == 1
            and last.up == last.down == 1
            and config.img_channels <= 4
        )

    def synthesis(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`. Pictures are float32; activations half precision and channels-last."""
        if len(w) == 1:
            return self._one(w, options)
        transform = options.transform
        each = [transform] * len(w) if transform is None else transform.expand(len(w), 3, 3).split(1)
        return torch.cat([self._one(row[None], replace(options, transform=own)) for row, own in zip(w, each)])

    def _one(self, w: Tensor, options: SynthesisOptions) -> Tensor:
        """The picture, or the activation, of w [1, num_ws, w_dim]."""
        until, wide = options.until, options.wide
        self.pending.wait()
        steps = self._plan(wide)
        x = options.passed("input", self._waves(w, options.transform, steps[0].entry))
        if until == "input":
            return middle(self.config, "input", x, wide)
        styles = self.styles(w[0])
        units, gains = self.modulation(styles)
        entry = enter(x[0].permute(1, 2, 0), units[0], x.shape[3], steps[0].layer.inputs)
        for i, step in enumerate(steps):
            layer, name = step.layer, step.layer.config.name
            unit = units[i + 1] if i + 1 < len(steps) else self.ones
            seen = options.sees(name) or name == until
            gain, more = gains[i, : layer.outputs], options.gain(name)
            if more is not None:
                gain = gain.clone()
                gain[: layer.config.out_channels] *= more
            raw = convolved(entry.view(*step.entry, -1), layer.weight)
            height, width = step.out
            entry = raw.new_empty(height * width, layer.outputs)
            self._filter(layer, step, raw, gain, self.ones if seen else unit, entry)
            if seen:
                x = entry.view(1, height, width, -1).permute(0, 3, 1, 2)[:, : layer.config.out_channels]
                x = options.passed(name, x)
                if name == until:
                    return middle(self.config, name, x, wide)
                entry = enter(x[0].permute(1, 2, 0), unit, width, layer.outputs)
            elif options.peeks(name):
                plain = unstyled(entry, unit).view(1, height, width, -1)
                options.passed(name, plain.permute(0, 3, 1, 2)[:, : layer.config.out_channels])
        return self._picture(styles[-1], entry, steps[-1].out, options)

    def _picture(self, style: Tensor, leaving: Tensor, size: tuple[int, int], options: SynthesisOptions) -> Tensor:
        """The last layer: RGB of what leaves the layer before it."""
        height, width = size
        name = self.last.name
        weight = self.colours((style * self.rgb_gain)[None, : self.colours.widest])[0]
        picture = torch.empty(self.config.img_channels, height, width, device=self.device)
        plain = options.until == name or options.sees(name)
        clamp = LARGEST if self.last.clamp is None else self.last.clamp
        scale = 1.0 if plain else self.config.output_scale
        kernel.to_rgb(
            leaving, height, width, Colours(weight, self.rgb_bias, clamp, None, self.rgb_bias, picture, scale)
        )
        x = options.passed(name, picture[None])
        if plain and options.until != name:
            x = x * self.config.output_scale
        return middle(self.config, name, x, options.wide)

    def _filter(
        self, layer: GpuLayer, step: PlannedLayer, raw: Tensor, gain: Tensor, style: Tensor, into: Tensor
    ) -> None:
        config, name = layer.config, layer.name
        filters = (f"{name}.up_filter", f"{name}.down_filter")
        if available(self.device) and self.derived.again.isdisjoint(filters):
            streamed_filter(raw, gain, layer.bias, style, layer.filters, step.raw, into, step.out, step.out[1])
            return
        # A bent filter may be anything; and a processor, or a card that NVRTC does not know, has no kernel for it.
        height, width = step.raw
        up, down = (self.derived.tensors[filter] for filter in filters)
        x = (raw.float() * gain).view(1, height, width, -1).permute(0, 3, 1, 2)
        x = filtered_leaky_relu(
            x, layer.bias, up, down, up=config.up, down=config.down, padding=config.padding, clamp=config.clamp
        )
        x = x[0].permute(1, 2, 0) * style[: layer.outputs]
        into.copy_(x.clamp(-LARGEST, LARGEST).reshape(into.shape))

    def _layer(self, index: int, config: LayerConfig) -> GpuLayer:
        name = f"synthesis.{config.name}"
        inputs, outputs = padded(config.in_channels), padded(config.out_channels)
        weight = torch.zeros(outputs, config.kernel**2, inputs, dtype=torch.float16, device=self.device)
        self.weights[f"{name}.weight"] = ConvolutionWeight(weight, self.modulation.energy[index], None)
        self.derived.fill(f"{name}.weight", compute=self.weights[f"{name}.weight"].derive)
        weight = weight.view(outputs, config.kernel, config.kernel, inputs).permute(0, 3, 1, 2)
        bias = torch.zeros(outputs, device=self.device)
        self.derived.scale(f"{name}.bias", 1, into=bias[: config.out_channels])
        tensors = self.derived.tensors
        filters = StreamedFilter.design(
            tensors[f"{name}.up_filter"],
            tensors[f"{name}.down_filter"],
            up=config.up,
            low=(config.padding[2], config.padding[0]),
            clamp=config.clamp,
        )
        return GpuLayer(config, name, inputs, outputs, weight, bias, filters)

    def _waves(self, w: Tensor, transform: Tensor | None, size: tuple[int, int]) -> Tensor:
        """The first activation [1, C, height, width]."""
        tensors, config = self.derived.tensors, self.config.input
        own = tensors["synthesis.input.transform"]
        motion = dense(w[0], self.first, self.motion_weight, self.motion_bias)
        field = waves(
            motion,
            (own if transform is None else transform.to(own)).reshape(-1, 3, 3)[0].contiguous(),
            tensors["synthesis.input.freqs"],
            tensors["synthesis.input.phases"],
            size,
            config.sampling_rate,
            config.bandwidth,
        )
        return (field @ self.input_weight).view(1, *size, -1).permute(0, 3, 1, 2)

    def _plan(self, wide: Wide | None) -> list[PlannedLayer]:
        if wide not in self._plans:
            self._plans[wide] = self._planned(wide)
        return self._plans[wide]

    def _side(self, name: str, wide: Wide | None) -> tuple[int, int]:
        """(height, width) of a layer's activation."""
        spec = self.config.specs[name]
        own = (spec.height, spec.width)
        return own if wide is None else wide.side(own, spec.scale)

    def _planned(self, wide: Wide | None) -> list[PlannedLayer]:
        steps: list[PlannedLayer] = []
        entry = self._side("input", wide)
        for layer in self.layers:
            reach = layer.config.kernel - 1
            out = self._side(layer.config.name, wide)
            steps.append(PlannedLayer(layer, entry, (entry[0] + reach, entry[1] + reach), out))
            entry = out
        return steps


def convolved(x: Tensor, weight: Tensor) -> Tensor:
    """x [H, W, I] by weight [O, I, k, k], all that it touches: [(H + k − 1) · (W + k − 1), O]."""
    # Chosen by rule, not by trying: the same picture every time, and a capture can be the first to ask.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        y = F.conv2d(x.permute(2, 0, 1)[None], weight, padding=weight.shape[2] - 1)
    return y.permute(0, 2, 3, 1).reshape(-1, len(weight))


def unstyled(entry: Tensor, style: Tensor) -> Tensor:
    """An activation [h · w, C] as it was before the next layer's style [≥ C] multiplied it, to be looked at: zero
    where the style is next to nothing."""
    style = style[: entry.shape[1]]
    return entry * (style.reciprocal() * (style.abs() > LEAST_STYLE)).nan_to_num(0, 0, 0).to(entry.dtype)


def padded(channels: int) -> int:
    """The next multiple of eight."""
    return -(-channels // 8) * 8
