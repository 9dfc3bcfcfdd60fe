"""What a network is, apart from its numbers: the two configurations and the design rules of the papers.

A configuration holds what tensors cannot say (sampling rates, clamps, the architecture). Sizes that tensors
can say (channels, mapping layers, filter lengths) are also fields here, because a network with random weights
is built from a configuration alone; for a network that comes from a file, `measured(weights)` reads them off
the tensors, which win over whatever was written.

Sources: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020) and "Alias-Free
Generative Adversarial Networks" (2021).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from ganzfeld.errors import NetworkError

if TYPE_CHECKING:
    import torch

Architecture = Literal["skip", "orig", "resnet"]
Weights = MappingType[str, "torch.Tensor"]


@dataclass(frozen=True, kw_only=True)
class MappingConfig:
    """The part that both networks share: latents, labels and the mapping network."""

    z_dim: int = 512
    c_dim: int = 0
    """Number of classes; 0 for a network without labels."""
    w_dim: int = 512
    num_ws: int
    """Rows of w that the synthesis network reads."""
    img_resolution: int
    img_channels: int = 3
    mapping_lr_multiplier: float = 0.01
    mapping_features: tuple[int, ...] = ()
    """Outputs of fc0, fc1, …; the last is w_dim."""
    embed_features: int = 0
    """Outputs of the label embedding, 0 without labels."""

    def _measured_mapping(self, weights: Weights) -> dict[str, Any]:
        layers = _numbered(weights, r"mapping\.fc(\d+)\.weight")
        features = tuple(_shape(weights, f"mapping.fc{i}.weight", 2)[0] for i in layers)
        fields: dict[str, Any] = {"mapping_features": features}
        if features:
            fields["w_dim"] = features[-1]
            width = _shape(weights, "mapping.fc0.weight", 2)[1]
            embedded = "mapping.embed.weight" in weights
            fields["embed_features"], fields["c_dim"] = (
                _shape(weights, "mapping.embed.weight", 2) if embedded else (0, 0)
            )
            fields["z_dim"] = width - fields["embed_features"]
        return fields


@dataclass(frozen=True, kw_only=True)
class StyleGAN2Config(MappingConfig):
    """A StyleGAN2 generator."""

    kind: Literal["stylegan2"] = "stylegan2"
    architecture: Architecture = "skip"
    conv_clamp: float | None = None
    """Activations are clamped to ± this; None for no clamp."""
    resample_filter: tuple[float, ...] = (1, 3, 3, 1)
    """The separable FIR filter, for files whose tensors do not hold it. Normalised when used."""
    channels: tuple[int, ...] = ()
    """Channels at 4, 8, 16, …, img_resolution."""

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, …, img_resolution."""
        return tuple(2**k for k in range(2, self.img_resolution.bit_length()))

    @classmethod
    def design(
        cls,
        resolution: int = 1024,
        *,
        channel_base: int = 32768,
        channel_max: int = 512,
        mapping_layers: int = 8,
        z_dim: int = 512,
        c_dim: int = 0,
        w_dim: int = 512,
        img_channels: int = 3,
        architecture: Architecture = "skip",
        conv_clamp: float | None = 256,
    ) -> Self:
        """The configuration by the paper's rule, channels(r) = min(channel_base // r, channel_max).

        The defaults are the paper's configuration F at 1024 px. `resolution` is a power of two, at least 4.
        """
        check_resolution(resolution)
        config = cls(
            z_dim=z_dim,
            c_dim=c_dim,
            w_dim=w_dim,
            num_ws=2 * resolution.bit_length() - 4,
            img_resolution=resolution,
            img_channels=img_channels,
            mapping_features=(w_dim,) * mapping_layers,
            embed_features=w_dim if c_dim else 0,
            architecture=architecture,
            conv_clamp=conv_clamp,
        )
        channels = tuple(min(channel_base // r, channel_max) for r in config.resolutions)
        return dataclasses.replace(config, channels=channels)

    def measured(self, weights: Weights) -> Self:
        """The same configuration with every size that the tensors tell (official names) read off them."""
        fields = self._measured_mapping(weights)
        resolutions = _numbered(weights, r"synthesis\.b(\d+)\.conv1\.weight")
        if not resolutions or resolutions != [4 * 2**k for k in range(len(resolutions))]:
            raise NetworkError(
                f"the synthesis network has blocks for {resolutions or 'no sizes at all'}, not for 4, 8, 16, …",
                hint="It is not a StyleGAN2 generator, or a part of it is missing.",
            )
        shapes = {r: _shape(weights, f"synthesis.b{r}.conv1.weight", 4) for r in resolutions}
        fields["img_resolution"] = resolutions[-1]
        fields["channels"] = tuple(shape[0] for shape in shapes.values())
        fields["img_channels"] = _shape(weights, f"synthesis.b{resolutions[-1]}.torgb.weight", 4)[0]
        fields["num_ws"] = max(self.num_ws, 2 * len(resolutions))
        return dataclasses.replace(self, **fields)

    @classmethod
    def from_json(cls, data: MappingType[str, Any]) -> Self:
        """Read what `to_json` wrote. Unknown words are ignored, missing ones take their defaults."""
        try:
            return cls(**_known_fields(cls, data))
        except TypeError as error:
            raise NetworkError(f"the configuration of this StyleGAN2 network is incomplete: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, for JSON."""
        return _plain(dataclasses.asdict(self))


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """The Fourier features that StyleGAN3 starts from. `size` is (width, height) in samples."""

    size: tuple[int, int]
    sampling_rate: float
    bandwidth: float
    channels: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerConfig:
    """One layer of StyleGAN3. Sizes are (width, height), rates in samples per picture width.

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
    ) -> Self:
        """The configuration by the paper's rules: a geometric progression of cutoffs and stopbands.

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
            total = (sizes[i] - 1) * down + 1 - (sizes[before] + kernel - 1) * up + up_taps + down_taps - 2
            low = (total + up) // 2
            layers.append(
                LayerConfig(
                    name=f"L{i}_{sizes[i]}_{channels[i]}",
                    in_sampling_rate=rates[before],
                    out_sampling_rate=rates[i],
                    in_size=(sizes[before], sizes[before]),
                    out_size=(sizes[i], sizes[i]),
                    up=up,
                    down=down,
                    padding=(low, total - low, low, total - low),
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
            input=InputConfig(
                size=(sizes[0], sizes[0]), sampling_rate=rates[0], bandwidth=cutoffs[0], channels=channels[0]
            ),
            layers=tuple(layers),
        )

    def measured(self, weights: Weights) -> Self:
        """The same configuration with every size that the tensors tell (official names) read off them."""
        fields = self._measured_mapping(weights)
        layers = []
        for layer in self.layers:
            prefix = f"synthesis.{layer.name}"
            out_channels, in_channels, kernel, _ = _shape(weights, f"{prefix}.weight", 4)
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
        channels = _shape(weights, "synthesis.input.freqs", 2)[0]
        fields["input"] = dataclasses.replace(self.input, channels=channels)
        fields["layers"] = tuple(layers)
        fields["img_channels"] = layers[-1].out_channels
        fields["img_resolution"] = layers[-1].out_size[0]
        fields["num_ws"] = max(self.num_ws, len(layers) + 1)
        return dataclasses.replace(self, **fields)

    @classmethod
    def from_json(cls, data: MappingType[str, Any]) -> Self:
        """Read what `to_json` wrote. Unknown words are ignored, missing ones take their defaults."""
        fields = _known_fields(cls, data)
        try:
            fields["input"] = InputConfig(**_known_fields(InputConfig, fields["input"]))
            fields["layers"] = tuple(LayerConfig(**_known_fields(LayerConfig, layer)) for layer in fields["layers"])
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise NetworkError(f"the configuration of this StyleGAN3 network is incomplete: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, for JSON."""
        return _plain(dataclasses.asdict(self))


Config = StyleGAN2Config | StyleGAN3Config


def config_from_json(data: MappingType[str, Any]) -> Config:
    """The configuration of either kind, by the word under "kind"."""
    kind = data.get("kind")
    if kind == "stylegan2":
        return StyleGAN2Config.from_json(data)
    if kind in ("stylegan3-t", "stylegan3-r"):
        return StyleGAN3Config.from_json(data)
    raise NetworkError(
        f"a network of the unknown kind {kind!r}", hint="Known kinds: stylegan2, stylegan3-t, stylegan3-r."
    )


def check_resolution(resolution: int) -> None:
    """Raise unless `resolution` is a power of two from 4 on."""
    if resolution < 4 or resolution & (resolution - 1):
        raise NetworkError(f"a network for pictures of {resolution} px", hint="Sizes are powers of two from 4 on.")


def _known_fields(cls: type, data: MappingType[str, Any]) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(cls)}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _numbered(weights: Weights, pattern: str) -> list[int]:
    matches = (re.fullmatch(pattern, name) for name in weights)
    return sorted(int(match[1]) for match in matches if match)


def _shape(weights: Weights, name: str, dimensions: int) -> tuple[int, ...]:
    if name not in weights:
        raise NetworkError(f"the network has no tensor '{name}'", hint="A part of the file is missing.")
    shape = tuple(weights[name].shape)
    if len(shape) != dimensions:
        raise NetworkError(f"the tensor '{name}' has the shape {list(shape)}, not {dimensions} dimensions")
    return shape
