"""The configuration of a StyleGAN2, and the design rules of its paper.

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
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
    numbered,
    shape_of,
)

Architecture = Literal["skip", "orig", "resnet"]


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

    # What it describes

    def _specs(self) -> Iterator[LayerSpec]:
        for side, channels in zip(self.resolutions, self.channels):
            block = f"b{side}"
            for name in (f"{block}.conv0",) if side > 4 else ():
                taps = f"synthesis.{name}.resample_filter"
                yield self._spec(name, channels, side, weight=f"synthesis.{name}.weight", up_filter=taps, inner=True)
            last = f"synthesis.{block}.conv1.weight"
            if self.architecture == "resnet" and side > 4:
                # The sum at the block's end is a layer of its own, which no convolution makes.
                yield self._spec(f"{block}.conv1", channels, side, weight=last, inner=True)
                yield self._spec(block, channels, side)
            else:
                yield self._spec(block, channels, side, weight=last, aliases=(f"{block}.conv1",))

    @staticmethod
    def _spec(name: str, channels: int, side: int, **more: Any) -> LayerSpec:
        return LayerSpec(name, channels, side, side, scale=side // 4, rate=side, prefix=f"synthesis.{name}.", **more)

    @property
    def row_names(self) -> tuple[str, ...]:
        """What a torgb reads belongs to the next convolution, too, and goes by its name; but for the last."""
        weights = self.convolutions.values()
        convolutions = [weight.removeprefix("synthesis.").removesuffix(".weight") for weight in weights]
        return (*convolutions, f"b{self.img_resolution}.torgb")

    @property
    def picture_resolutions(self) -> tuple[int, ...]:
        """Each block of the "skip" architecture adds to a picture, so that any of them can be the last."""
        return self.resolutions if self.architecture == "skip" else super().picture_resolutions

    @property
    def globs(self) -> WeightGlobs:
        return WeightGlobs(
            convolutions="synthesis.b*.conv?.weight",
            styles="synthesis.b*.conv?.affine.bias",
            biases="synthesis.b*.conv?.bias",
            outputs="b*",
            start="b4.const",
            colours="b*.torgb.affine.bias",
        )

    @property
    def early_layers(self) -> tuple[str, ...]:
        return ("b8", "b16")

    def first_field(self, resolution: int | None = None) -> FirstField:
        side = resolution or self.img_resolution
        return FirstField(own=(side, side), pitch=side // 4)

    # How it is made

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
        fields = self.measured_mapping(weights)
        resolutions = numbered(weights, r"synthesis\.b(\d+)\.conv1\.weight")
        if not resolutions or resolutions != [4 * 2**k for k in range(len(resolutions))]:
            raise NetworkError(
                f"the synthesis network has blocks for {resolutions or 'no sizes at all'}, not for 4, 8, 16, …",
                hint="It is not a StyleGAN2 generator, or a part of it is missing.",
            )
        shapes = {r: shape_of(weights, f"synthesis.b{r}.conv1.weight", 4) for r in resolutions}
        fields["img_resolution"] = resolutions[-1]
        fields["channels"] = tuple(shape[0] for shape in shapes.values())
        fields["img_channels"] = shape_of(weights, f"synthesis.b{resolutions[-1]}.torgb.weight", 4)[0]
        fields["num_ws"] = max(self.num_ws, 2 * len(resolutions))
        return dataclasses.replace(self, **fields)
