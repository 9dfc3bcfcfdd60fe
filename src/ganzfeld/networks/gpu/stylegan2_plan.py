"""How a GPU makes the convolutions of a StyleGAN2 picture of one size: with which kernel, and in what tiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzfeld.kernels.card import has_wgmma, multiprocessors
from ganzfeld.kernels.cuda import convolution as hopper
from ganzfeld.kernels.cuda.convolution import HopperTile, tile_for_hopper
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout, Colours
from ganzfeld.kernels.triton import convolution as kernel
from ganzfeld.kernels.triton import doubling
from ganzfeld.kernels.triton.convolution import Tile
from ganzfeld.networks.gpu.parts import tile_for
from ganzfeld.networks.wide import Wide


@dataclass(frozen=True, slots=True)
class GpuConvolution:
    """One modulated convolution: where its tensors are and what shape it has. block: 8 of b8. size: (height, width) of
    its input in the network's own picture. inputs, channels: as many as are computed; real_channels: as many as the
    network has. filter: of one that doubles the size of a small picture; those of large
    pictures have it in their weight."""

    name: str
    layer: str
    block: int
    size: tuple[int, int]
    up: int
    inputs: int
    channels: int
    real_channels: int
    weight: Tensor
    bias: Tensor
    noise_const: Tensor
    filter: Tensor | None = None

    @property
    def ends_block(self) -> bool:
        """Whether its activation is the one with which its block ends, of which RGB is made."""
        return self.layer == f"b{self.block}"


@dataclass(frozen=True, slots=True)
class PlannedConvolution:
    """A convolution in a picture of one size: how its input lies in memory and how it is cut up."""

    convolution: GpuConvolution
    layout: ActivationLayout
    tile: Tile | HopperTile

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of its activation."""
        return self.convolution.up * self.layout.height, self.convolution.up * self.layout.width

    @property
    def pixels(self) -> int:
        """The number of its activation's samples."""
        height, width = self.size
        return height * width

    @property
    def fuses(self) -> bool:
        """Whether a tile holds all channels of its pixels, as the way to RGB needs it."""
        return self.tile.splits == 1 and self.tile.outputs == self.convolution.channels

    @property
    def styles_weight(self) -> bool:
        """Whether its weight is sooner multiplied by its style than its input, which lies as a bend leaves it."""
        pixels = self.layout.height * self.layout.width
        return (
            self.layout.pitch == self.layout.width
            and self.convolution.weight.numel() < pixels * self.convolution.inputs
        )

    def styled_weight(self, style: Tensor) -> Tensor:
        """Its weight times its style [≥ inputs]."""
        weight = self.convolution.weight
        return torch.mul(weight, style[: self.convolution.inputs], out=torch.empty_like(weight))

    def run(self, x: Tensor, weight: Tensor, activation: Activation, colours: Colours | None) -> None:
        """As `kernels.triton.convolution.layer`, with this weight in place of the convolution's own."""
        c, tile, layout = self.convolution, self.tile, self.layout
        if c.filter is not None:
            doubling.layer(x, weight, c.filter, layout, activation)
            return
        if isinstance(tile, Tile):
            kernel.layer(x, weight, layout, activation, colours, up=c.up, tile=tile)
            return
        width = c.up * layout.width
        if activation.styled is not None and activation.styled_pitch > width:
            # Those kernels write pixels only; the next layer's wants zeros between its rows.
            activation.styled.view(-1, activation.styled_pitch, c.channels)[:, width:].zero_()
        if tile.splits == 1:
            hopper.layer(x, weight, layout, activation, colours, up=c.up, block=tile)
        else:
            partial = torch.empty(tile.splits, len(x), len(weight), device=x.device)
            hopper.layer(x, weight, layout, activation, None, up=c.up, block=tile, partial=partial)
            kernel.finish_parts(partial, layout, activation, up=c.up)


def planned(
    convolutions: Iterable[GpuConvolution], last: int, wide: Wide | None, device: torch.device
) -> list[PlannedConvolution]:
    """The convolutions of the blocks up to the one with the number `last`, in their order."""
    steps: list[PlannedConvolution] = []
    for convolution in convolutions:
        if convolution.block > last:
            break
        scale = convolution.block // convolution.up // 4
        height, width = convolution.size if wide is None else wide.side(convolution.size, scale)
        outputs, inputs = len(convolution.weight), convolution.inputs
        if has_wgmma(device):
            # These kernels need no padding between rows, and leave none for others.
            layout = ActivationLayout(height, width, width)
            tile = tile_for_hopper(layout, outputs, convolution.channels, inputs, multiprocessors(device))
            if tile is not None:
                steps.append(PlannedConvolution(convolution, layout, tile))
                continue
        layout = ActivationLayout(height, width, width + 1)
        steps.append(PlannedConvolution(convolution, layout, tile_for(height * (width + 1), outputs, inputs, device)))
    return steps
