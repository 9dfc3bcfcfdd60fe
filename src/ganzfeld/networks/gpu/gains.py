"""What the convolutions of one picture are multiplied by, on a GPU, while their weights may still be on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzfeld.kernels.lanes import Branch, Coming
from ganzfeld.networks.gpu.parts import GpuModulation


@dataclass(frozen=True, slots=True)
class Block:
    """The convolutions at one resolution: numbers `first` up to `end`. layers: their activations; needs: the names of
    the large tensors that they and nobody else read."""

    name: str
    first: int
    end: int
    layers: tuple[str, ...]
    needs: tuple[str, ...]

    @property
    def powers(self) -> str:
        """The name under which its powers come."""
        return f"powers of {self.name}"


class Powers:
    """The styles of one picture made ready for half precision, and what its convolutions are multiplied by afterwards:
    the gains that demodulate times those of bends.

    Where weights are still coming, each block has its own as soon as it can: small layers play while the weights of
    large ones are bent. unit [layers, widest]: the styles.
    """

    def __init__(
        self,
        styles: Tensor,
        modulation: GpuModulation,
        blocks: Sequence[Block],
        gains: Mapping[str, Tensor],
        coming: Coming,
        beside: Branch,
        count: int,
    ) -> None:
        """styles [≥ layers, widest]; blocks: all, in their order; count: of the layers that will be asked for, in whole
        blocks; beside: where what comes late is made."""
        self._coming, self._gains = coming, gains
        late = next((i for i, block in enumerate(blocks) if i and coming.any_of(block.needs)), len(blocks))
        coming.wait(but={name for block in blocks[late:] for name in block.needs})
        self.unit, self._powers = modulation(styles, blocks[late].first if late < len(blocks) else None)
        self._bend(blocks[:late])
        later = [block for block in blocks[late:] if block.end <= count]
        self._late = {block.first: block for block in later}
        if later:
            with beside.fork():
                for block in later:
                    coming.wait(block.needs)
                    modulation.fill(self._powers, styles, block.first, block.end)
                    self._bend([block])
                    coming.announce([block.powers], styles.device)

    def of(self, number: int, channels: int) -> Tensor:
        """Those of one convolution [channels], asked for in their order: what follows comes after they are made."""
        if number in self._late:
            self._coming.wait([self._late.pop(number).powers])
        return self._powers[number, :channels]

    def _bend(self, blocks: Sequence[Block]) -> None:
        bent = [
            (block.first + i, self._gains[layer])
            for block in blocks
            for i, layer in enumerate(block.layers)
            if layer in self._gains
        ]
        if bent:
            rows = [self._powers[number, : gain.numel() if gain.numel() > 1 else None] for number, gain in bent]
            torch._foreach_mul_(  # pyright: ignore[reportPrivateImportUsage]
                rows, [gain.to(row).expand_as(row) for row, (_, gain) in zip(rows, bent)]
            )
