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
    """Channels of the blocks b4, b8, b16, …"""
    const_size: tuple[int, int] = (4, 4)
    """(width, height) in samples of the learnt constant, which each block but the first doubles."""

    @property
    def blocks(self) -> tuple[int, ...]:
        """The numbers in the blocks' names: 4, 8, 16, … They are sides of their pictures if the constant is 4×4."""
        return tuple(4 << k for k in range(len(self.channels)))

    @property
    def size(self) -> tuple[int, int]:
        return self.block_size(self.blocks[-1])

    def block_size(self, block: int) -> tuple[int, int]:
        """(width, height) of the activations of the block with this number."""
        width, height = self.const_size
        return width * block // 4, height * block // 4

    def last_block(self, until: str | None = None, resolution: int | None = None) -> int:
        """The number of the block with which a synthesis ends: that of the layer `until`, or of the picture of the
        height `resolution`; without either, the last of all."""
        if until is not None:
            return int(until[1:].partition(".")[0])
        return self.blocks[-1] if resolution is None else 4 * resolution // self.const_size[1]

    def plays(self, weight: str, until: str | None = None, resolution: int | None = None) -> bool:
        block = weight.removeprefix("synthesis.b").partition(".")[0]
        return not block.isdigit() or int(block) <= self.last_block(until, resolution)

    # What it describes

    def _specs(self) -> Iterator[LayerSpec]:
        for number, channels in zip(self.blocks, self.channels):
            block = f"b{number}"
            for name in (f"{block}.conv0",) if number > 4 else ():
                taps = f"synthesis.{name}.resample_filter"
                yield self._spec(name, channels, number, weight=f"synthesis.{name}.weight", up_filter=taps, inner=True)
            last = f"synthesis.{block}.conv1.weight"
            if self.architecture == "resnet" and number > 4:
                # The sum at the block's end is a layer of its own, which no convolution makes.
                yield self._spec(f"{block}.conv1", channels, number, weight=last, inner=True)
                yield self._spec(block, channels, number)
            else:
                yield self._spec(block, channels, number, weight=last, aliases=(f"{block}.conv1",))

    def _spec(self, name: str, channels: int, block: int, **more: Any) -> LayerSpec:
        width, height = self.block_size(block)
        scale, prefix = block // 4, f"synthesis.{name}."
        return LayerSpec(name, channels, height, width, scale=scale, rate=height, prefix=prefix, **more)

    @property
    def row_names(self) -> tuple[str, ...]:
        """What a torgb reads belongs to the next convolution, too, and goes by its name; but for the last."""
        weights = self.convolutions.values()
        convolutions = [weight.removeprefix("synthesis.").removesuffix(".weight") for weight in weights]
        return (*convolutions, f"b{self.blocks[-1]}.torgb")

    @property
    def picture_resolutions(self) -> tuple[int, ...]:
        """Each block of the "skip" architecture adds to a picture, so that any of them can be the last."""
        heights = tuple(self.block_size(block)[1] for block in self.blocks)
        return heights if self.architecture == "skip" else heights[-1:]

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
        pitch = self.last_block(resolution=resolution) // 4
        return FirstField(own=self.picture_size(resolution), pitch=pitch)

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
        const_size: tuple[int, int] = (4, 4),
    ) -> Self:
        """The configuration by the paper's rule, channels(r) = min(channel_base // r, channel_max).

        The defaults are the paper's configuration F at 1024 px. `resolution` is a power of two, at least 4: the number
        of the last block. const_size: (width, height) of the constant; the picture is resolution / 4 times as large.
        """
        check_resolution(resolution)
        blocks = [4 << k for k in range(resolution.bit_length() - 2)]
        return cls(
            z_dim=z_dim,
            c_dim=c_dim,
            w_dim=w_dim,
            num_ws=2 * len(blocks),
            img_resolution=const_size[1] * resolution // 4,
            img_channels=img_channels,
            mapping_features=(w_dim,) * mapping_layers,
            embed_features=w_dim if c_dim else 0,
            architecture=architecture,
            conv_clamp=conv_clamp,
            channels=tuple(min(channel_base // block, channel_max) for block in blocks),
            const_size=const_size,
        )

    def measured(self, weights: Weights) -> Self:
        """The same configuration with every size that the tensors tell (official names) read off them."""
        fields = self.measured_mapping(weights)
        blocks = numbered(weights, r"synthesis\.b(\d+)\.conv1\.weight")
        if not blocks or blocks != [4 << k for k in range(len(blocks))]:
            raise NetworkError(
                f"the synthesis network has blocks for {blocks or 'no sizes at all'}, not for 4, 8, 16, …",
                hint="It is not a StyleGAN2 generator, or a part of it is missing.",
            )
        fields["channels"] = tuple(shape_of(weights, f"synthesis.b{block}.conv1.weight", 4)[0] for block in blocks)
        _, height, width = shape_of(weights, "synthesis.b4.const", 3)
        fields["const_size"] = (width, height)
        fields["img_resolution"] = height * blocks[-1] // 4
        fields["img_channels"] = shape_of(weights, f"synthesis.b{blocks[-1]}.torgb.weight", 4)[0]
        fields["num_ws"] = max(self.num_ws, 2 * len(blocks))
        return dataclasses.replace(self, **fields)
