"""The configuration of a StyleGAN3, and the design rules of its paper.

Source: Karras et al., "Alias-Free Generative Adversarial Networks" (2021).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Any, Literal, Self

from ganzfeld.errors import NetworkError
from ganzfeld.networks.config import (
    FirstField,
    LayerSpec,
    MappingConfig,
    WeightGlobs,
    Weights,
    check_resolution,
    known_fields,
    shape_of,
)


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """The Fourier features that StyleGAN3 starts from. `size` is (width, height) in samples."""

    size: tuple[int, int]
    sampling_rate: float
    bandwidth: float
    channels: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerConfig:
    """One layer of StyleGAN3. Sizes are (width, height), rates in samples per height of the picture.

    The cutoffs and half widths say how the filters were designed; they are only needed where the filters
    themselves are not at hand (a network with random weights).
    """

    name: str
    in_sampling_rate: float
    out_sampling_rate: float
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    up: int
    down: int
    padding: tuple[int, int, int, int]
    """Left, right, top, bottom, in samples of the upsampled signal; negative crops."""
    kernel: int
    torgb: bool
    clamp: float | None = 256
    in_channels: int = 0
    out_channels: int = 0
    up_taps: tuple[int, ...] = ()
    """Shape of the up filter; () for none."""
    down_taps: tuple[int, ...] = ()
    in_cutoff: float | None = None
    out_cutoff: float | None = None
    in_half_width: float | None = None
    out_half_width: float | None = None

    @property
    def short_name(self) -> str:
        """The name up to its first underscore: L6 of L6_52_24."""
        return self.name.partition("_")[0]


@dataclass(frozen=True, kw_only=True)
class StyleGAN3Config(MappingConfig):
    """A StyleGAN3 generator, translation-equivariant (t) or rotation-equivariant too (r)."""

    kind: Literal["stylegan3-t", "stylegan3-r"] = "stylegan3-t"
    output_scale: float = 0.25
    input: InputConfig
    layers: tuple[LayerConfig, ...]

    # What it describes

    def _specs(self) -> Iterator[LayerSpec]:
        first, (width, height) = self.input.sampling_rate, self.input.size
        yield LayerSpec(
            "input", self.input.channels, height, width, scale=1, rate=int(first), prefix="synthesis.input."
        )
        for layer in self.layers:
            width, height = layer.out_size
            scale = int(layer.out_sampling_rate // first)
            last = layer is self.layers[-1]
            yield LayerSpec(
                layer.name,
                layer.out_channels,
                height,
                width,
                scale=scale,
                rate=int(first * scale),
                prefix=f"synthesis.{layer.name}.",
                weight=None if last else f"synthesis.{layer.name}.weight",
                aliases=(layer.short_name,),
                picture=last,
            )

    @property
    def size(self) -> tuple[int, int]:
        return self.layers[-1].out_size

    @property
    def row_names(self) -> tuple[str, ...]:
        return tuple(self.specs)

    @property
    def transform(self) -> str | None:
        return "synthesis.input.transform"

    @property
    def globs(self) -> WeightGlobs:
        return WeightGlobs(
            convolutions="synthesis.L*[0-9].weight",
            styles="synthesis.L*[0-9].affine.bias",
            biases="synthesis.L*[0-9].bias",
            outputs="L*",
            start="input.weight",
            colours=f"{self.layers[-1].short_name}_*.affine.bias",
        )

    @property
    def early_layers(self) -> tuple[str, ...]:
        return ("L1", "L3")

    @property
    def copies_held(self) -> int:
        """Many, as it upsamples inside its layers."""
        return 15

    def first_field(self, resolution: int | None = None) -> FirstField:
        last = self.layers[-1]
        return FirstField(own=self.size, pitch=int(last.out_sampling_rate // self.input.sampling_rate))

    # How it is made

    @classmethod
    def design(
        cls,
        kind: Literal["stylegan3-t", "stylegan3-r"] = "stylegan3-t",
        resolution: int = 1024,
        *,
        channel_base: int | None = None,
        channel_max: int | None = None,
        num_layers: int = 14,
        num_critical: int = 2,
        first_cutoff: float = 2,
        first_stopband: float = 2**2.1,
        last_stopband_rel: float = 2**0.3,
        margin_size: int = 10,
        conv_kernel: int | None = None,
        filter_size: int = 6,
        lrelu_upsampling: int = 2,
        mapping_layers: int = 2,
        z_dim: int = 512,
        c_dim: int = 0,
        w_dim: int = 512,
        img_channels: int = 3,
        output_scale: float = 0.25,
        conv_clamp: float | None = 256,
        width: int | None = None,
    ) -> Self:
        """The configuration by the paper's rules: a geometric progression of cutoffs and stopbands.

        resolution: the height of the picture. width: its width if it is no square; all sizes are in proportion to it,
        margins too, as in the networks of StyleGAN-Human.
        T has 3×3 convolutions, channel_base 32768 and channel_max 512; R has 1×1 convolutions, twice as many
        channels (65536 and 1024) and radial down filters. None means the number of that kind.
        """
        check_resolution(resolution)
        radial = kind == "stylegan3-r"
        channel_base = channel_base or (65536 if radial else 32768)
        channel_max = channel_max or (1024 if radial else 512)
        conv_kernel = conv_kernel or (1 if radial else 3)
        nyquist = resolution / 2

        def progression(first: float, last: float) -> list[float]:
            steps = num_layers - num_critical
            return [first * (last / first) ** min(i / steps, 1) for i in range(num_layers + 1)]

        cutoffs = progression(first_cutoff, nyquist)
        stopbands = progression(first_stopband, nyquist * last_stopband_rel)
        rates = [2 ** math.ceil(math.log2(min(2 * stop, resolution))) for stop in stopbands]
        half_widths = [max(stop, rate / 2) - cut for stop, rate, cut in zip(stopbands, rates, cutoffs)]
        sizes = [rate + 2 * margin_size for rate in rates]
        sizes[-2:] = [resolution, resolution]
        fields = [(side * (width or resolution) // resolution, side) for side in sizes]
        channels = [round(min(channel_base / 2 / cut, channel_max)) for cut in cutoffs]
        channels[-1] = img_channels

        layers = []
        for i in range(num_layers + 1):
            before = max(i - 1, 0)
            torgb = i == num_layers
            critical = i >= num_layers - num_critical
            rate = max(rates[before], rates[i]) * (1 if torgb else lrelu_upsampling)
            up, down = rate // rates[before], rate // rates[i]
            kernel = 1 if torgb else conv_kernel
            up_taps = filter_size * up if up > 1 and not torgb else 1
            down_taps = filter_size * down if down > 1 and not torgb else 1
            down_shape = (down_taps,) * (2 if radial and not critical else 1)
            padding: list[int] = []
            for entering, leaving in zip(fields[before], fields[i]):
                total = (leaving - 1) * down + 1 - (entering + kernel - 1) * up + up_taps + down_taps - 2
                low = (total + up) // 2
                padding += [low, total - low]
            layers.append(
                LayerConfig(
                    name=f"L{i}_{fields[i][0]}_{channels[i]}",
                    in_sampling_rate=rates[before],
                    out_sampling_rate=rates[i],
                    in_size=fields[before],
                    out_size=fields[i],
                    up=up,
                    down=down,
                    padding=(padding[0], padding[1], padding[2], padding[3]),
                    kernel=kernel,
                    torgb=torgb,
                    clamp=conv_clamp,
                    in_channels=channels[before],
                    out_channels=channels[i],
                    up_taps=(up_taps,) if up_taps > 1 else (),
                    down_taps=down_shape if down_taps > 1 else (),
                    in_cutoff=cutoffs[before],
                    out_cutoff=cutoffs[i],
                    in_half_width=half_widths[before],
                    out_half_width=half_widths[i],
                )
            )
        return cls(
            kind=kind,
            z_dim=z_dim,
            c_dim=c_dim,
            w_dim=w_dim,
            num_ws=num_layers + 2,
            img_resolution=resolution,
            img_channels=img_channels,
            mapping_features=(w_dim,) * mapping_layers,
            embed_features=w_dim if c_dim else 0,
            output_scale=output_scale,
            input=InputConfig(size=fields[0], sampling_rate=rates[0], bandwidth=cutoffs[0], channels=channels[0]),
            layers=tuple(layers),
        )

    def measured(self, weights: Weights) -> Self:
        """The same configuration with every size that the tensors tell (official names) read off them."""
        fields = self.measured_mapping(weights)
        layers = []
        for layer in self.layers:
            prefix = f"synthesis.{layer.name}"
            out_channels, in_channels, kernel, _ = shape_of(weights, f"{prefix}.weight", 4)
            up, down = (weights.get(f"{prefix}.{way}_filter") for way in ("up", "down"))
            layers.append(
                dataclasses.replace(
                    layer,
                    in_channels=in_channels,
                    out_channels=out_channels,
                    kernel=kernel,
                    up_taps=tuple(up.shape) if up is not None else (),
                    down_taps=tuple(down.shape) if down is not None else (),
                )
            )
        if not layers:
            raise NetworkError("the synthesis network has no layers", hint="It is not a StyleGAN3 generator.")
        channels = shape_of(weights, "synthesis.input.freqs", 2)[0]
        fields["input"] = dataclasses.replace(self.input, channels=channels)
        fields["layers"] = tuple(layers)
        fields["img_channels"] = layers[-1].out_channels
        fields["img_resolution"] = layers[-1].out_size[1]
        fields["num_ws"] = max(self.num_ws, len(layers) + 1)
        return dataclasses.replace(self, **fields)

    @classmethod
    def from_json(cls, data: MappingType[str, Any]) -> Self:
        """Read what `to_json` wrote. Unknown words are ignored, missing ones take their defaults."""
        fields = known_fields(cls, data)
        try:
            fields["input"] = InputConfig(**known_fields(InputConfig, fields["input"]))
            fields["layers"] = tuple(LayerConfig(**known_fields(LayerConfig, layer)) for layer in fields["layers"])
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise NetworkError(f"the configuration of this StyleGAN3 network is incomplete: {error}") from error
