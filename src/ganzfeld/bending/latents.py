"""w and what is done to it: rows from other latents (style mixing), and movements along directions.

Style mixing (Karras, Laine, Aila 2019): some rows of w from one latent, the others from another. A direction is what
is added to w for an amount of 1, be it found by a principal component analysis (`directions.py`), learnt elsewhere, or
random.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzfeld.bending.targets import rows_of
from ganzfeld.errors import NetworkError
from ganzfeld.networks.network import Network


@dataclass(slots=True)
class LatentLine:
    """One line `face.style(…)` (no direction) or `face.move(…)`.

    mask: 1 in the rows it reaches [num_ws]. match: which of the line's matches a row is, int64 [num_ws].
    direction: [num_ws or 1, w_dim] for an amount of 1. seed: that of a random direction.
    """

    name: str
    mask: Tensor
    match: Tensor
    direction: Tensor | None = None
    random: bool = False
    seed: int | None = None

    def share(self, amount: Tensor) -> Tensor:
        """The amount in each row, [num_ws, 1]; 0 in the rows that the line does not reach."""
        amount = amount.index_select(0, self.match) if amount.dim() else amount
        return (amount * self.mask)[:, None]


class LatentBender:
    """A network's w, and the lines that change it, in their order.

    matched: for each line, a 1 for each row of w that it reaches.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.matched: dict[str, tuple[int, ...]] = {}
        self._lines: list[LatentLine] = []

    def style(self, name: str, layers: str) -> None:
        """Add a line that mixes in another latent. Raises `NetworkError` for layers that are not there."""
        self._lines.append(self._line(name, layers))

    def move(self, name: str, layers: str, direction: Tensor | None = None) -> None:
        """Add a line that moves along a direction [w_dim] or [num_ws, w_dim]; None: a random one, of the line's seed.

        Raises `NetworkError`.
        """
        line = self._line(name, layers)
        wanted = (self.network.num_ws, self.network.w_dim)
        if direction is None:
            line.random, line.direction = True, torch.zeros(1, self.network.w_dim, device=self.network.device)
        elif tuple(direction.shape) not in (wanted, wanted[1:]):
            raise NetworkError(f"the direction is {tuple(direction.shape)}, and the network's w is {wanted}")
        else:
            line.direction = torch.atleast_2d(direction).to(self.network.device, torch.float32)
        self._lines.append(line)

    def _line(self, name: str, layers: str) -> LatentLine:
        rows = rows_of(self.network, layers)
        self.matched[name] = (1,) * len(rows)
        mask, match = torch.zeros(self.network.num_ws), torch.zeros(self.network.num_ws, dtype=torch.long)
        mask[list(rows)] = 1
        match[list(rows)] = torch.arange(len(rows))
        return LatentLine(name, mask.to(self.network.device), match.to(self.network.device))

    def prepare(self, seeds: Mapping[str, int]) -> None:
        """On the host: make the random directions whose seeds have changed, in place."""
        for line in self._lines:
            if line.random and line.direction is not None and line.seed != seeds[line.name]:
                line.seed = seeds[line.name]
                line.direction.copy_(random_direction(self.network, line.seed))

    def bend(self, w: Tensor, others: Mapping[str, Tensor], amounts: Mapping[str, Any]) -> Tensor:
        """On the device: w [N, num_ws, w_dim] through all lines.

        others: by line, the w that is mixed in. amounts: by line, with `amount` 0-d or [rows that it reaches].
        """
        for line in self._lines:
            share = line.share(amounts[line.name].amount)
            if line.direction is None:
                w = torch.lerp(w, others[line.name], share)
            else:
                w = torch.addcmul(w, line.direction, share)
        return w


def random_direction(network: Network, seed: int) -> Tensor:
    """From one random w to another, [w_dim], on the average as long as a random w is away from the average w.

    Both are of class 0, so that it never leads from class to class.
    """
    stream = zlib.crc32(f"direction {seed}".encode())
    z = np.random.RandomState(stream).randn(2, network.z_dim)
    one, other = network.mapping(torch.from_numpy(z).to(network.device, torch.float32))[:, 0]
    return (one - other) / math.sqrt(2)
