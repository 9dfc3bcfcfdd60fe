"""StyleGAN3 for the CPU: the same mathematics as reference/stylegan3.py, arranged for speed.

As in stylegan2.py here: channels-last activations, gains in weights, styles and demodulations as batched
products. The filters, where the time went, are banded matrix products (kernels/banded_filter.py).
Radial filters (kind R) are not separable and stay with the reference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.banded_filter import Axis, Matrices, banded_filtered_leaky_relu
from ganzfeld.kernels.leaky_relu import GAIN
from ganzfeld.networks.cpu.mapping import CpuMapping
from ganzfeld.networks.cpu.parts import CpuDemodulation, CpuStyles, CpuToRGB, channels_last, normalised
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.generator import PLAIN, DerivedWeight, SynthesisOptions
from ganzfeld.networks.reference.stylegan3 import FourierFeatures
from ganzfeld.networks.stylegan3.config import LayerConfig, StyleGAN3Config
from ganzfeld.networks.wide import middle


class CpuStyleGAN3:
    """A `Generator`."""

    waits = False

    def __init__(
        self, config: StyleGAN3Config, tensors: Mapping[str, Tensor], convolve_in: torch.dtype = torch.float32
    ) -> None:
        """`tensors` and `convolve_in` as for `CpuStyleGAN2`; bfloat16 costs up to 0.9 % of the picture here."""
        self.config = config
        self.weights: Mapping[str, DerivedWeight] = {}
        self.derived = DerivedTensors(tensors)
        self.mapping = CpuMapping(config, self.derived)
        self.input = self._fourier_features()
        *inner, last = config.layers
        self.layers = [CpuLayer(self.derived, layer, convolve_in) for layer in inner]
        self.torgb = CpuToRGB(self.derived, f"synthesis.{last.name}", last.clamp)
        self.out = last.name
        names = [f"synthesis.{layer.name}" for layer in config.layers]
        self.styles = CpuStyles(self.derived, names, range(1, len(names) + 1))
        self.demodulation = CpuDemodulation(self.derived, names[:-1], gain=1, normalise=True)
        self.width = tensors["mapping.w_avg"].new_tensor([layer.in_channels for layer in config.layers])[:, None, None]
        self.input_gain = torch.ones_like(self.width)
        for i, name in enumerate(names):
            self.derived.make(f"{name}.magnitude_ema", compute=torch.rsqrt, into=self.input_gain[i, 0, 0])

    @staticmethod
    def supports(config: StyleGAN3Config, tensors: Mapping[str, Tensor]) -> bool:
        """Whether a network can go this way: separable filters in every layer but the last."""
        filtered = all(len(layer.up_taps) == len(layer.down_taps) == 1 for layer in config.layers[:-1])
        last = config.layers[-1]
        return filtered and last.torgb and last.kernel == 1 and last.up == last.down == 1

    def synthesis(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`. Activations are channels-last in memory."""
        until, wide = options.until, options.wide
        x = options.passed("input", self.input(w[:, 0], options.transform, wide))
        if until == "input":
            return middle(self.config, "input", x, wide)
        names = [layer.name for layer in self.config.layers]
        count = names.index(until) + 1 if until else len(names)
        styles = self.styles(w, count)
        # Padding is zeros: the mean over a layer's own channels is the sum over all divided by their number.
        unit = styles * torch.rsqrt(styles.square().sum(2, keepdim=True) / self.width[:count])
        demodulations = self.demodulation(unit[: len(self.layers)])
        unit = unit * self.input_gain[:count]
        for layer, style, demodulation in zip(self.layers, unit, demodulations):
            gain, more = demodulation[:, : layer.out_channels], options.gain(layer.name)
            x = options.passed(layer.name, layer(x, style, gain if more is None else gain * more))
            if layer.name == until:
                return middle(self.config, layer.name, x, wide)
        x = options.passed(self.out, self.torgb(x, styles[-1] * self.input_gain[-1]))
        return middle(self.config, self.out, x if self.out == until else x * self.config.output_scale, wide)

    def _fourier_features(self) -> FourierFeatures:
        """The reference's own input layer, around the same tensors."""
        with torch.device("meta"):
            module = FourierFeatures(self.config.input, self.config.w_dim)
        prefix = "synthesis.input."
        tensors = self.derived.tensors
        state = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        module.load_state_dict(state, assign=True)
        return module.requires_grad_(False)


class CpuLayer:
    """Modulated convolution, then a leaky ReLU between two separable filters."""

    def __init__(self, derived: DerivedTensors, config: LayerConfig, convolve_in: torch.dtype) -> None:
        self.name = config.name
        self.in_channels, self.out_channels = config.in_channels, config.out_channels
        self.padding = config.kernel - 1
        self.clamp = config.clamp
        name = f"synthesis.{config.name}"
        self.weight = derived.make(
            f"{name}.weight", compute=lambda weight: channels_last(normalised(weight)).to(convolve_in)
        )
        self.bias = derived.tensors[f"{name}.bias"]
        self.columns, self.rows = (
            Axis(
                size=config.in_size[axis] + self.padding,
                out_size=config.out_size[axis],
                up=config.up,
                down=config.down,
                low=config.padding[2 * axis],
                up_taps=config.up_taps[0],
                down_taps=config.down_taps[0],
            )
            for axis in (0, 1)
        )
        up, down = f"{name}.up_filter", f"{name}.down_filter"
        # Half of the gain up² belongs to each axis, and the leaky ReLU's own to either.
        self.matrices = Matrices(
            up_rows=derived.make(up, compute=lambda taps: self.rows.up_matrix(taps, config.up * GAIN)),
            up_columns=derived.make(up, compute=lambda taps: self.columns.up_matrix(taps, config.up)),
            down_rows=derived.make(down, compute=self.rows.down_matrix),
            down_columns=derived.make(down, compute=self.columns.down_matrix),
        )

    def __call__(self, x: Tensor, style: Tensor, gain: Tensor) -> Tensor:
        """x [N, I, h, w], style [N, ≥ I], gain [N, O] -> [N, O, H, W]."""
        x = channels_last(x * style[:, : self.in_channels, None, None])
        x = F.conv2d(x.to(self.weight.dtype), self.weight, padding=self.padding).float()
        # The matrices hold for any size of field.
        rows, columns = self._axis(self.rows, x.shape[2]), self._axis(self.columns, x.shape[3])
        return banded_filtered_leaky_relu(x, self.bias, gain, rows, columns, self.matrices, self.clamp)

    @staticmethod
    def _axis(own: Axis, size: int) -> Axis:
        """An axis of `size` samples for one of another size: what goes in more comes out more, resampled."""
        if size == own.size:
            return own
        return dataclasses.replace(own, size=size, out_size=own.out_size + (size - own.size) * own.up // own.down)
