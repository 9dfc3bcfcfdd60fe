"""StyleGAN3 for a GPU: the same mathematics as stylegan3.py, in half precision, two kernels a layer.

- As in gpu_stylegan2.py, styles scale activations, weights have norm 1, and convolutions are matrix products over
  channels-last memory in half precision.
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

from ganzfeld.kernels.cuda.streamed_filter import StreamedFilter, streamed_filter
from ganzfeld.kernels.filtered_leaky_relu import filtered_leaky_relu
from ganzfeld.kernels.triton import convolution as kernel
from ganzfeld.kernels.triton.convolution import Colours, Field, Tile
from ganzfeld.networks.config import LayerConfig, StyleGAN3Config
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.gpu_parts import LARGEST, GpuColours, GpuMapping, GpuModulation, GpuStyles, tile_for, unit
from ganzfeld.networks.stylegan2 import After
from ganzfeld.networks.stylegan3 import FourierFeatures
from ganzfeld.networks.wide import Wide, layer_scale, middle


@dataclass(frozen=True, slots=True)
class Layer:
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
class Step:
    """A layer in a picture of one size. field: its input. raw: (height, width) after the convolution."""

    layer: Layer
    field: Field
    raw: tuple[int, int]
    out: tuple[int, int]
    tile: Tile


class GpuStyleGAN3:
    """`mapping` and `synthesis` as in the reference, from derived tensors; see `FastStyleGAN2`. One picture at a time."""

    def __init__(self, config: StyleGAN3Config, tensors: Mapping[str, Tensor]) -> None:
        self.config = config
        self.derived = DerivedTensors(tensors)
        self.device = tensors["mapping.w_avg"].device
        self.mapping = GpuMapping(config, self.derived)
        self.input = self._fourier_features()
        *inner, self.last = config.layers
        self.layers = [self._layer(layer) for layer in inner]
        names = [f"synthesis.{layer.name}" for layer in config.layers]
        widest = max(padded(layer.in_channels) for layer in config.layers)
        self.styles = GpuStyles(self.derived, names, range(1, len(names) + 1), widest)
        self.modulation = GpuModulation(self.derived, names[:-1], widest, gain=1, normalise=True)
        for i, name in enumerate(names[:-1]):
            self.derived.make(f"{name}.magnitude_ema", compute=torch.rsqrt, into=self.modulation.factor[i, 0])
        self.colours = GpuColours(self.derived, names[-1:], padded(self.last.in_channels))
        self.colours.channels = [padded(self.last.in_channels)]
        self.rgb_bias = tensors[f"{names[-1]}.bias"]
        self.rgb_gain = self.derived.make(f"{names[-1]}.magnitude_ema", compute=torch.rsqrt)
        self.ones = torch.ones(widest, device=self.device)
        on_gpu = self.device.type == "cuda"
        self.hopper = on_gpu and torch.cuda.get_device_capability(self.device) >= (9, 0)
        self.processors = torch.cuda.get_device_properties(self.device).multi_processor_count if on_gpu else 4
        self._plans: dict[Wide | None, list[Step]] = {}

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

    def synthesis(
        self,
        w: Tensor,
        *,
        transform: Tensor | None = None,
        until: str | None = None,
        after: After | None = None,
        wide: Wide | None = None,
        gains: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """As `stylegan3.Synthesis.forward`. Pictures are float32; activations half precision and channels-last."""
        if len(w) > 1:
            return torch.cat(
                [
                    self.synthesis(
                        one[None],
                        transform=None if transform is None else transform.expand(len(w), 3, 3)[i : i + 1],
                        until=until,
                        after=after,
                        wide=wide,
                        gains=gains,
                    )
                    for i, one in enumerate(w)
                ]
            )
        bent = frozenset() if after is None else getattr(after, "layers", frozenset(self.config_names))
        steps = self._plan(wide)
        x = self.input(w[:, 0], transform, wide)
        if "input" in bent and after is not None:
            x = after("input", x)
        if until == "input":
            return middle(self.config, "input", x, wide)
        styles = self.styles(w[0])
        units, powers = self.modulation(styles)
        entry = entered(x, units[0], steps[0])
        for i, step in enumerate(steps):
            layer, name = step.layer, step.layer.config.name
            following = steps[i + 1] if i + 1 < len(steps) else None
            seen = name in bent or name == until
            gain = powers[i, : layer.outputs]
            if gains and name in gains:
                gain = gain.clone()
                gain[: layer.config.out_channels] *= gains[name]
            raw = entry.new_empty(step.raw[0] * step.raw[1], layer.outputs)
            kernel_size = layer.config.kernel
            reach = kernel_size - 1
            kernel.convolve(
                entry, layer.weight, raw,
                taps=kernel_size, pitch=step.field.pitch, shift=-reach * (step.field.pitch + 1),
                tile=step.tile,
            )  # fmt: skip
            height, width = step.out
            pitch, style = width, self.ones
            if following is not None and not seen:
                pitch, style = following.field.pitch, units[i + 1]
            entry = raw.new_empty(height * pitch, layer.outputs)
            self._filter(layer, step, raw, gain, style, entry, pitch)
            if seen:
                x = entry.view(1, height, width, -1).permute(0, 3, 1, 2)[:, : layer.config.out_channels]
                if name in bent and after is not None:
                    x = after(name, x)
                if name == until:
                    return middle(self.config, name, x, wide)
                style = self.ones if following is None else units[i + 1]
                entry = entered(x, style, following or replace(step, field=Field(height, width, width)))
        return self._picture(styles[-1], entry, steps[-1].out, until, after if self.last.name in bent else None, wide)

    def _picture(
        self,
        style: Tensor,
        leaving: Tensor,
        size: tuple[int, int],
        until: str | None,
        after: After | None,
        wide: Wide | None,
    ) -> Tensor:
        height, width = size
        weight = self.colours((style * self.rgb_gain)[None, : self.colours.weight.shape[1]])[0]
        picture = torch.empty(self.config.img_channels, height, width, device=self.device)
        plain = until == self.last.name or after is not None
        clamp = LARGEST if self.last.clamp is None else self.last.clamp
        scale = 1.0 if plain else self.config.output_scale
        kernel.to_rgb(
            leaving, height, width, Colours(weight, self.rgb_bias, clamp, None, self.rgb_bias, picture, scale)
        )
        x = picture[None]
        if after is not None:
            x = after(self.last.name, x)
        if plain and until != self.last.name:
            x = x * self.config.output_scale
        return middle(self.config, self.last.name, x, wide)

    @property
    def config_names(self) -> list[str]:
        """The names of all activations."""
        return ["input", *(layer.name for layer in self.config.layers)]

    def _filter(
        self, layer: Layer, step: Step, raw: Tensor, gain: Tensor, style: Tensor, into: Tensor, pitch: int
    ) -> None:
        config, name = layer.config, layer.name
        filters = (f"{name}.up_filter", f"{name}.down_filter")
        if self.device.type == "cuda" and self.derived.again.isdisjoint(filters):
            streamed_filter(raw, gain, layer.bias, style, layer.filters, step.raw, into, step.out, pitch)
            return
        # A bent filter may be anything; and a processor has no kernel for it.
        height, width = step.raw
        up, down = (self.derived.tensors[filter] for filter in filters)
        x = (raw.float() * gain).view(1, height, width, -1).permute(0, 3, 1, 2)
        x = filtered_leaky_relu(
            x, layer.bias, up, down, up=config.up, down=config.down, padding=config.padding, clamp=config.clamp
        )
        x = x[0].permute(1, 2, 0) * style[: layer.outputs]
        into.view(step.out[0], pitch, -1)[:, : step.out[1]] = x.clamp(-LARGEST, LARGEST)
        into.view(step.out[0], pitch, -1)[:, step.out[1] :] = 0

    def _layer(self, config: LayerConfig) -> Layer:
        name = f"synthesis.{config.name}"
        inputs, outputs = padded(config.in_channels), padded(config.out_channels)
        weight = torch.zeros(outputs, config.kernel**2, inputs, dtype=torch.float16, device=self.device)
        self.derived.make(
            f"{name}.weight",
            compute=lambda weight: unit(weight).permute(0, 2, 3, 1).flatten(1, 2),
            into=weight[: config.out_channels, :, : config.in_channels],
        )
        bias = torch.zeros(outputs, device=self.device)
        self.derived.make(f"{name}.bias", compute=lambda bias: bias, into=bias[: config.out_channels])
        tensors = self.derived.tensors
        filters = StreamedFilter.design(
            tensors[f"{name}.up_filter"],
            tensors[f"{name}.down_filter"],
            up=config.up,
            low=config.padding[0],
            clamp=config.clamp,
        )
        return Layer(config, name, inputs, outputs, weight, bias, filters)

    def _fourier_features(self) -> FourierFeatures:
        """The reference's own input layer, around the same tensors."""
        with torch.device("meta"):
            module = FourierFeatures(self.config.input, self.config.w_dim)
        prefix = "synthesis.input."
        tensors = self.derived.tensors
        state = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        module.load_state_dict(state, assign=True)
        return module.requires_grad_(False)

    def _plan(self, wide: Wide | None) -> list[Step]:
        if wide not in self._plans:
            self._plans[wide] = self._planned(wide)
        return self._plans[wide]

    def _side(self, name: str, size: tuple[int, int], wide: Wide | None) -> tuple[int, int]:
        """(height, width) of a field whose own size is (width, height)."""
        own = (size[1], size[0])
        return own if wide is None else wide.side(own, layer_scale(self.config, name))

    def _planned(self, wide: Wide | None) -> list[Step]:
        steps: list[Step] = []
        height, width = self._side("input", self.config.input.size, wide)
        for layer in self.layers:
            config = layer.config
            reach = config.kernel - 1
            field = Field(height, width, width + reach)
            raw = (height + reach, width + reach)
            positions = raw[0] * raw[1]
            blocks = config.kernel**2 * -(-layer.inputs // 64)
            tile = tile_for(positions, layer.outputs, blocks, self.processors, self.hopper)
            height, width = self._side(config.name, config.out_size, wide)
            steps.append(Step(layer, field, raw, (height, width), tile))
        return steps


def padded(channels: int) -> int:
    """The next multiple of eight."""
    return -(-channels // 8) * 8


def entered(x: Tensor, style: Tensor, step: Step) -> Tensor:
    """x [1, C, h, w] times the style, as the memory of a layer's input."""
    channels = x.shape[1]
    x = (x[0].permute(1, 2, 0).float() * style[:channels]).clamp(-LARGEST, LARGEST).half()
    more = padded(channels) - channels
    return F.pad(x, (0, more, 0, step.field.pitch - step.field.width)).view(-1, padded(channels))
