"""Weights bent on the way to what a GPU path derives from them: no copy of their own is ever written.

The kernel that derives (`kernels.cuda.weights`) is compiled with the lines' blends and bends in its middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ganzfeld.bending.base import WeightBend, blend_modes
from ganzfeld.bending.blending import FIRST_LERP_IN_CUDA
from ganzfeld.bending.matching import Blend, Match, amount_of, masks
from ganzfeld.bending.statistics import deviation
from ganzfeld.kernels.cuda.weights import MOST_NUMBERS, MOST_PARTS, Halved, Part
from ganzfeld.networks.network import Network


class OnTheWay:
    """Those of a network's bent weights for which this can be done. names: theirs, in the order of the layers."""

    def __init__(
        self, network: Network, blends: Mapping[str, Sequence[Blend]], matches: Mapping[str, Sequence[Match]]
    ) -> None:
        """blends, matches: what is done to each weight, in its order."""
        self._tensors, self._blends, self._matches = network.tensors, blends, matches
        self._halves: dict[str, Halved] = {}
        self._differences: dict[str, Halved] = {}
        changed = blends.keys() | matches.keys()
        self.names = tuple(
            name
            for name, others in network.runtime.bent_on_the_way().items()
            if name in changed and changed.isdisjoint(others) and self._can_be(name)
        )
        for name in self.names:
            self._halve(name)

    def derive(self, name: str, live: Network, amounts: Mapping[str, Any]) -> None:
        """On the device: what `live` plays with in place of one of the names. amounts: as `Bender.bent` takes them."""
        live.runtime.derive_bent(name, self._halves.get(name, self._tensors[name]), self._parts(name, amounts))

    def _can_be(self, name: str) -> bool:
        """Whether every bend says in C++ what it does."""
        matches, blends = self._matches.get(name, ()), self._blends.get(name, ())
        chain = [bend for match in matches for bend in match.bends]
        said = all(isinstance(bend, WeightBend) and bend.cuda for bend in chain)
        # Other outputs are read as the file has them, so nothing may come before that.
        said = said and not any("row" in bend.cuda for bend in (chain if blends else chain[1:]))  # type: ignore[attr-defined]
        return (
            said
            and len(matches) + len(blends) <= MOST_PARTS
            and all(sum(len(bend.amounts) for bend in match.bends) <= MOST_NUMBERS for match in matches)
        )

    def _halve(self, name: str) -> None:
        """What is read on every frame to bend this weight on the way, in half precision: half as much."""
        weight, matches = self._tensors[name], self._matches.get(name, ())
        for match in matches:
            match.seeded.halved = True
        if any(bend.jumps for match in matches for bend in match.bends):
            return
        self._halves[name] = Halved.of(weight, deviation(weight))
        for blend in self._blends.get(name, ())[:1]:
            # Beside much larger numbers, what the difference is rounded by would be much of the other network's.
            if blend_modes()[blend.line.mode].linear and deviation(weight) < 4 * deviation(blend.other):
                difference = blend.other - weight
                self._differences[name] = Halved.of(difference, deviation(difference))

    def _parts(self, name: str, amounts: Mapping[str, Any]) -> list[Part]:
        """What is done to a weight, as the kernel that derives from it takes it."""
        x, parts = self._tensors[name], []
        for blend in self._blends.get(name, ()):
            amount = amount_of(amounts[blend.line.name].amount, blend.index, x, 0).flatten()
            difference = self._differences.get(name) if not parts else None
            if difference is not None:
                parts.append(Part((FIRST_LERP_IN_CUDA,), {"amount": amount}, difference=difference))
            else:
                parts.append(Part((blend_modes()[blend.line.mode].cuda,), {"amount": amount}, blend.other.contiguous()))
        for match in self._matches.get(name, ()):
            values = amounts[match.line.name]

            def value(word: str, values: Any = values, match: Match = match) -> Tensor:
                return amount_of(values[word], match.index, x, 0)

            numbers = {word: value(word).flatten() for bend in match.bends for word in bend.amounts}
            expressions = tuple(bend.cuda for bend in match.bends if isinstance(bend, WeightBend))
            noise = match.seeded.noise_now() if any(bend.uses_noise for bend in match.bends) else None
            order = match.seeded.order_now() if any(bend.uses_order for bend in match.bends) else None
            outputs, inputs = masks(match, value)
            once = {
                name: what for bend in match.bends if isinstance(bend, WeightBend) for name, what in bend.once.items()
            }
            parts.append(Part(expressions, numbers, None, match.seeded.deviation, outputs, inputs, noise, order, once))
        return parts
