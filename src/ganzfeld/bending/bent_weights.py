"""The bent weights of a network, made again on every frame, in an order that keeps nobody waiting who need not wait.

On a GPU a mapping network, and the small layers that follow, are short products in a row, which leave room beside them:
there the weights are made in the order in which they are wanted, and announced one by one (`Runtime.pending`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import blend_modes
from ganzfeld.bending.blending import blended
from ganzfeld.bending.host_weights import HostWeights, Said
from ganzfeld.bending.matching import Blend, Match, Memory, amount_of, bent
from ganzfeld.bending.on_the_way import OnTheWay
from ganzfeld.kernels.copies import Copies, Copy
from ganzfeld.kernels.side_streams import SideStream, SideStreams
from ganzfeld.networks.network import Network

LARGE_PICTURE = 64 * 64
AT_ONCE = 6_000_000
"""Numbers bent before what depends on them is derived: as many as a GPU's cache holds, with what they become."""


@dataclass(frozen=True, slots=True)
class BlendedTogether:
    """What one line alone blends, made all at once. direct: the names of those that are blended on the way to what is
    derived from them."""

    names: tuple[str, ...]
    copies: Copies
    direct: frozenset[str]


@dataclass(frozen=True, slots=True)
class WeightBatch:
    """Weights that are bent side by side, and of each line what goes at once."""

    names: list[str]
    alike: dict[str, BlendedTogether]


class BentWeights:
    """What is done to the weights of one network. live: the network to play, with memory of its own for those that want
    it. changed: the names of all that are bent or blended. branches: where they are made."""

    def __init__(
        self, network: Network, blends: Mapping[str, Sequence[Blend]], matches: Mapping[str, Sequence[Match]]
    ) -> None:
        """blends, matches: what is done to each weight, in its order."""
        self._blends, self._matches, self._tensors = blends, matches, network.tensors
        self.changed = [name for name in network.weights if name in blends or name in matches]
        self._on_the_way = OnTheWay(network, blends, matches)
        self.live = network.variant([name for name in self.changed if name not in self._on_the_way.names])
        self._live_tensors = self.live.tensors
        self.live.runtime.settle()
        self._device = network.device
        self._plan()
        self._host = None if self._streams else HostWeights(self.live, blends, matches)

    def _plan(self) -> None:
        """In what order the changed weights are made."""
        device = self._device
        # A device starts work that waits for the same thing in any order: few streams keep to that of the layers.
        self._streams, self._mapping_streams, self._ordered = (
            SideStreams(device),
            SideStreams(device, 3),
            SideStreams(device, 3),
        )
        self._beside, self._stored_beside = self.branches = SideStream(device), SideStream(device)
        mapping = [name for name in self.changed if name.startswith("mapping.")]
        rest = [name for name in self.changed if name not in mapping and name not in self._on_the_way.names]
        self._copied = {name: self._copies(name) for name in (*mapping, *rest)}
        copied = [name for name in rest if self._copied[name]]
        stored = [name for name in rest if not self._copied[name]]
        # Large pictures of noise are wanted late.
        noise = [
            name for name in stored if name.endswith(".noise_const") and self._tensors[name].numel() > LARGE_PICTURE
        ]
        stored = [name for name in stored if name not in noise]
        self._mapping_batches = [self._batch(names) for names in _grouped(mapping, self._tensors)]
        self._copied_batches = [self._batch(copied)] if copied else []
        self._stored_batches = [self._batch(names) for names in _grouped(stored, self._tensors)]
        self._noise_batches = [self._batch(names) for names in _grouped(noise, self._tensors)]

    def _alone(self, name: str) -> Blend | None:
        """The one blend that is all that is done to a weight, where it is a plain one."""
        blends = self._blends.get(name, ())
        alone = len(blends) == 1 and blend_modes()[blends[0].line.mode].linear and name not in self._matches
        return blends[0] if alone else None

    def _copies(self, name: str) -> list[Copy]:
        """Copies that blend a weight on the way to what is derived from it, if that is all that is done to it."""
        blend = self._alone(name)
        return [] if blend is None else self.live.runtime.blended_on_the_way(name, blend.other, blend.index)

    def _batch(self, names: list[str]) -> WeightBatch:
        found: dict[str, dict[str, list[Copy]]] = {}
        direct = set()
        for name in names:
            if blend := self._alone(name):
                copies = self._copied[name]
                stored = Copy(self._tensors[name], self._live_tensors[name], other=blend.other, number=blend.index)
                if copies:
                    direct.add(name)
                if copies or stored.flat:
                    found.setdefault(blend.line.name, {})[name] = copies or [stored]
        alike = {}
        for line, of in found.items():
            copies = Copies([copy for copies in of.values() for copy in copies])
            alike[line] = BlendedTogether(tuple(of), copies, frozenset(direct.intersection(of)))
        return WeightBatch(names, alike)

    def make(
        self,
        amounts: Mapping[str, Any],
        frame: Tensor,
        memory: Memory,
        used: Callable[[str], bool] = lambda name: True,
        said: Said | None = None,
    ) -> None:
        """On the device: all of them, for this frame. Those of the mapping network are there when this returns, the
        others when somebody has waited for them, or has joined the `branches`. amounts: as `Bender.bent` takes them.
        used: which weights the frame needs. said: what the lines say, where it may be kept what they have made."""
        if self._host is not None:
            self._make_on_host(self._host, amounts, frame, memory, used, said)
            return

        def take(batches: list[WeightBatch], streams: SideStreams) -> None:
            for batch in batches:
                self._take(batch, streams, amounts, frame, memory)

        # What the styles are made of is wanted first.
        with self._beside.fork():
            take(self._copied_batches, self._streams)
            with self._stored_beside.fork():
                take(self._stored_batches, self._streams)
            with self._ordered.open():
                for name in self._on_the_way.names:
                    with self._ordered.next():
                        self._on_the_way.derive(name, self.live, amounts)
                        self.live.runtime.pending.announce([name], self._device)
            take(self._noise_batches, self._streams)
        take(self._mapping_batches, self._mapping_streams)

    def _make_on_host(
        self,
        host: HostWeights,
        amounts: Mapping[str, Any],
        frame: Tensor,
        memory: Memory,
        used: Callable[[str], bool],
        said: Said | None,
    ) -> None:
        due = host.due([name for name in self.changed if used(name)], said)
        stored = [name for name in due if not host.blended(name, amounts)]
        for name in stored:
            self._bend(name, amounts, frame, memory)
        if stored:
            self.live.runtime.rederive(stored)
        host.made(due, said)

    def _take(
        self, batch: WeightBatch, streams: SideStreams, amounts: Mapping[str, Any], frame: Tensor, memory: Memory
    ) -> None:
        done: set[str] = set()
        direct: set[str] = set()
        for line, alike in batch.alike.items():
            amount = amounts[line].amount
            if isinstance(amount, Tensor):
                done.update(alike.names)
                direct |= alike.direct
                alike.copies.make(amount)
        if rest := [name for name in batch.names if name not in done]:
            with streams.open():
                for name in rest:
                    with streams.next():
                        self._bend(name, amounts, frame, memory)
        if stored := [name for name in batch.names if name not in direct]:
            self.live.runtime.rederive(stored, streams)
        self.live.runtime.pending.announce(batch.names, self._device)

    def bent(self, name: str, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> Tensor:
        """On the device: a weight after its blends and bends, made once more, for those are stored nowhere that are
        bent on the way."""
        return self._made(name, amounts, frame, memory, None)

    def _bend(self, name: str, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> None:
        self._made(name, amounts, frame, memory, torch.atleast_1d(self._live_tensors[name]))

    def _made(
        self, name: str, amounts: Mapping[str, Any], frame: Tensor, memory: Memory, live: Tensor | None
    ) -> Tensor:
        """live: what the result is written into."""
        # A single number (a noise strength) is bent as one channel.
        x = torch.atleast_1d(self._tensors[name])
        matches = self._matches.get(name, ())
        blends = self._blends.get(name, ())
        for blend in blends:
            last = blend is blends[-1] and not matches
            amount = amount_of(amounts[blend.line.name].amount, blend.index, x, 0)
            x = blended(x, blend.other, amount, blend.line.mode, live if last else None)
        for match in matches:
            out = live if match is matches[-1] else None
            x = bent(x, match, amounts[match.line.name], frame, memory, out)
        return x


def _grouped(names: list[str], tensors: Mapping[str, Tensor]) -> Iterator[list[str]]:
    """The names in their order, in groups of about `AT_ONCE` numbers."""
    group: list[str] = []
    count = 0
    for name in names:
        group.append(name)
        count += tensors[name].numel()
        if count >= AT_ONCE:
            yield group
            group, count = [], 0
    if group:
        yield group
