"""One line of `agree.py`: something that two sides draw, and how far apart they may be."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganzfeld.networks.network import Network

LIMIT = 1e-2
"""Relative L2. Plain frames in half precision come to 1e-3 … 5e-3. Never more than half of what something changes: else
it would agree by doing nothing."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. readable: plays by the readable reference. plain: the plain pictures that were asked for."""

    device: torch.device
    readable: bool
    network: Network | None = None
    other: Network | None = None
    plain: dict[Hashable, Tensor] = field(default_factory=dict)


Pictures = Callable[[Side], Iterator[Tensor]]


@dataclass(frozen=True, slots=True)
class Item:
    """pictures: what a side draws, of 8 bits if `steps`, the largest difference in those, is limited. plain: what the
    last picture differs from. not_here: why it is not compared."""

    name: str
    pictures: Pictures | None = None
    limit: float = LIMIT
    steps: int | None = None
    plain: Callable[[Side], Tensor] | None = None
    not_here: str = ""
