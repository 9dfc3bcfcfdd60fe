"""The gains of one picture's convolutions on a GPU, made while the weights that they depend on may still be made.

A gain multiplies an output channel of a convolution after the product: it demodulates (Karras et al. 2020), and holds
what bends multiply the convolution by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzfeld.kernels.side_streams import PendingTensors, SideStream
from ganzfeld.networks.gpu.parts import GpuModulation


@dataclass(frozen=True, slots=True)
class GainBlock:
    """The convolutions at one resolution, whose gains are made together: numbers `first` up to `end`. layers: their
    activations; needs: the names of the large tensors that they and nobody else read."""

    name: str
    first: int
    end: int
    layers: tuple[str, ...]
    needs: tuple[str, ...]

    @property
    def gains(self) -> str:
        """The name under which its gains are announced."""
        return f"gains of {self.name}"


class ConvolutionGains:
    """The gains of one picture's convolutions. unit [layers, widest]: its styles, scaled for half precision.

    Where weights are still being made, the gains of each block are made as soon as its weights are there: small layers
    play while the weights of large ones are bent.
    """

    def __init__(
        self,
        styles: Tensor,
        modulation: GpuModulation,
        blocks: Sequence[GainBlock],
        bends: Mapping[str, Tensor],
        pending: PendingTensors,
        beside: SideStream,
        count: int,
    ) -> None:
        """styles [≥ layers, widest]; blocks: all, in their order; bends: what multiplies a layer's convolution, 0-d or
        [C]; pending: what is still being made; beside: the side stream on which late gains are made; count: how many
        layers will be asked for, in whole blocks."""
        self._pending, self._bends = pending, bends
        late = next((i for i, block in enumerate(blocks) if i and pending.any_of(block.needs)), len(blocks))
        pending.wait(but={name for block in blocks[late:] for name in block.needs})
        self.unit, self._made = modulation(styles, blocks[late].first if late < len(blocks) else None)
        self._bend(blocks[:late])
        later = [block for block in blocks[late:] if block.end <= count]
        self._late = {block.first: block for block in later}
        if later:
            with beside.fork():
                for block in later:
                    pending.wait(block.needs)
                    modulation.fill(self._made, styles, block.first, block.end)
                    self._bend([block])
                    pending.announce([block.gains], styles.device)

    def of(self, number: int, channels: int) -> Tensor:
        """The gains of one convolution [channels], asked for in their order. What is queued next waits for them."""
        if number in self._late:
            self._pending.wait([self._late.pop(number).gains])
        return self._made[number, :channels]

    def _bend(self, blocks: Sequence[GainBlock]) -> None:
        bent = [
            (block.first + i, self._bends[layer])
            for block in blocks
            for i, layer in enumerate(block.layers)
            if layer in self._bends
        ]
        if bent:
            rows = [self._made[number, : gain.numel() if gain.numel() > 1 else None] for number, gain in bent]
            torch._foreach_mul_(  # pyright: ignore[reportPrivateImportUsage]
                rows, [gain.to(row).expand_as(row) for row, (_, gain) in zip(rows, bent)]
            )
