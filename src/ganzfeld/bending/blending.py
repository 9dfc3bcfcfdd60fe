"""One network's weights towards another's: the modes, the cross-over between resolutions, and what fits what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import blend_modes
from ganzfeld.errors import NetworkError
from ganzfeld.networks.network import Network

FIRST_LERP_IN_CUDA = "x + amount * difference"
"""A linear mode in C++, before any other blend. difference: other − x, half as much to read in half precision."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """A blend line's values where its cross-over is worked out already."""

    amount: Tensor | tuple[Tensor, ...]


def crossed(values: Any, octaves: Tensor) -> Tensor | tuple[Tensor, ...]:
    """A blend's amount for each match: from `below` to `amount`, in a smooth curve about the cross-over. octaves: the
    matches' resolutions, as powers of two."""
    width = values.width.clamp(min=1e-6)
    share = ((octaves - values.crossover.log2()) / width + 0.5).clamp(0, 1)
    share = share * share * (3 - 2 * share)
    if isinstance(values.amount, tuple):
        below = values.below.expand(len(octaves))
        return tuple(torch.lerp(low, each, at) for low, each, at in zip(below, values.amount, share))
    return torch.lerp(values.below.expand(len(octaves)), values.amount.expand(len(octaves)), share)


def blended(x: Tensor, other: Tensor, amount: Tensor, mode: str, out: Tensor | None) -> Tensor:
    """x blended with the other network's weight, by a mode's word; in `out` if that is given."""
    return blend_modes()[mode].apply(x, other.reshape(x.shape), amount, out)


def check_same(network: Network, other: Network) -> None:
    """Raise `NetworkError` with the first thing in which two networks are built differently."""
    ours, theirs = network.weights, other.weights
    first = next((name for name in (*ours, *theirs) if ours.get(name) != theirs.get(name)), None)
    if first is None and network.kind == other.kind:
        return
    same = network.kind == other.kind
    what = "the networks are built differently" if same else f"a {network.kind} and a {other.kind} cannot be blended"
    if first is not None:
        mine, its = ours.get(first, "nothing"), theirs.get(first, "nothing")
        what += f": {first} is {mine} in one and {its} in the other"
    raise NetworkError(what, hint="Blend networks of one architecture, such as one fine-tuned from the other")
