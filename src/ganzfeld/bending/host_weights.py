"""The bent weights of a network on a processor: made only where something moved, and no more of each than is needed.

A blend of two networks is linear, and so is most of what a path derives from a weight. So what is derived is blended
itself, in the memory layout in which it is multiplied, with nothing to be made again from it.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import blend_modes
from ganzfeld.bending.matching import Blend, Match
from ganzfeld.networks.derived import DerivedBlend
from ganzfeld.networks.network import Network

Said = Mapping[str, Hashable]
"""What the lines of a network say in a frame, by name: one that says the same as before does the same to a weight."""


class HostWeights:
    """Which of the changed weights have to be made in a frame, and which of them through what is derived from them."""

    def __init__(
        self, live: Network, blends: Mapping[str, Sequence[Blend]], matches: Mapping[str, Sequence[Match]]
    ) -> None:
        """live: the network to play, with memory of its own for what is changed."""
        self._lines: dict[str, list[str]] = {}
        self._derived: dict[str, tuple[Blend, list[DerivedBlend]]] = {}
        self._made: dict[str, Hashable] = {}
        for name in {*blends, *matches}:
            lines = [*blends.get(name, ()), *matches.get(name, ())]
            self._lines[name] = [each.line.name for each in lines]
            only = lines[0]
            if len(lines) > 1 or not isinstance(only, Blend) or not blend_modes()[only.line.mode].linear:
                continue
            if derived := live.runtime.derived_blends(name, only.other):
                self._derived[name] = (only, derived)

    def due(self, names: Collection[str], said: Said | None) -> list[str]:
        """Those of these weights that are not as they should be. said: None where it is not known."""
        due = [name for name in names if (key := self._key(name, said)) is None or self._made.get(name) != key]
        for name in due:
            self._made.pop(name, None)  # if making them fails, nobody knows what they are
        return due

    def made(self, names: Collection[str], said: Said | None) -> None:
        """They are as they should be now."""
        for name in names:
            self._made[name] = self._key(name, said)

    def blended(self, name: str, amounts: Mapping[str, Any]) -> bool:
        """Blend what is derived from this weight, if that is all that has to be done; whether it is. amounts: each
        line's values."""
        if name not in self._derived:
            return False
        blend, derived = self._derived[name]
        amount = amounts[blend.line.name].amount
        if not isinstance(amount, Tensor):
            return False  # one for each channel
        amount = amount if amount.dim() == 0 else amount[blend.index]
        with torch.no_grad():
            for each in derived:
                each.make(amount)
        return True

    def _key(self, name: str, said: Said | None) -> Hashable:
        """What is said of a weight, None if that is not known."""
        if said is None:
            return None
        lines = [said.get(line) for line in self._lines[name]]
        return None if None in lines else tuple(lines)
