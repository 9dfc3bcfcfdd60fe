"""A network with its bends and blends: originals are read, bent copies played.

Order (design, idea 4): originals → blends → bends → derived tensors. Only what is bent has memory of its own; all other
tensors are the originals themselves, and nothing here ever writes one of those. Take every line away and the picture is
bitwise as before.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import Bend, Place, WeightBend
from ganzfeld.bending.blending import BLENDED_IN_CUDA, FIRST_LERP_IN_CUDA, Crossed, blended, check_same, crossed
from ganzfeld.bending.lines import BendLine, BlendLine, chain_of, gains_of
from ganzfeld.bending.matching import Match, Seeded, amount_of, indicator, mask_of, masks
from ganzfeld.bending.statistics import deviation
from ganzfeld.bending.targets import matches, side_of, weights_of
from ganzfeld.errors import NetworkError, nearest
from ganzfeld.kernels.copies import Copies, Copy
from ganzfeld.kernels.cuda.weights import MOST_NUMBERS, MOST_PARTS, Halved, Part
from ganzfeld.kernels.lanes import Branch, Lanes
from ganzfeld.networks.network import Network

After = Callable[[str, Tensor], Tensor]
Memory = Callable[[str, tuple[int, ...]], Tensor]
LARGE_PICTURE = 64 * 64
AT_ONCE = 6_000_000
"""Numbers bent before what depends on them is derived: as many as a GPU's cache holds, with what they become."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What one line alone blends, made all at once. direct: the names of those that are blended on the way to what is
    derived from them."""

    names: tuple[str, ...]
    copies: Copies
    direct: frozenset[str]


@dataclass(frozen=True, slots=True)
class Turn:
    """Weights that are bent side by side, and of each line what goes at once."""

    names: list[str]
    alike: dict[str, Alike]


class Bender:
    """A network, and what is done to it.

    live: the network to play. matched: the number of channels of each weight or layer that a line reaches. changed: the
    weights that have memory of their own. held: bytes that the bends keep from frame to frame, beside those.
    """

    def __init__(self, network: Network, size: tuple[int, int] | None = None, resolution: int | None = None) -> None:
        """`size`, `resolution`: as `Network.synthesis` will be asked; activations have other shapes then."""
        self.original = self.live = network
        self._shapes = network.layer_shapes_at(size, resolution)
        self.matched: dict[str, tuple[int, ...]] = {}
        self.changed: list[str] = []
        self.held = 0
        self._blends: dict[str, list[tuple[BlendLine, Tensor, int]]] = {}
        self._octaves: dict[str, Tensor] = {}
        self._halves: dict[str, Halved] = {}
        self._differences: dict[str, Halved] = {}
        self._weights: dict[str, list[Match]] = {}
        self._layers: dict[str, list[Match]] = {}
        self._gains: dict[str, list[Match]] = {}
        self._ones: dict[str, Tensor] = {}
        self._tensors = self._live_tensors = network.tensors
        self._beside, self._stored_beside, self._gaining = self._branches = [Branch(network.device) for _ in range(3)]

    def blend(self, line: BlendLine) -> None:
        """Add a line. Raises `NetworkError` if it reaches nothing, or if the networks do not fit."""
        check_same(self.original, line.other)
        names = weights_of(self.original, line.target)
        self.matched[line.name] = self._channels("weight", names)
        if line.crossed:
            octaves = [math.log2(side_of(self.original, name)) for name in names]
            self._octaves[line.name] = torch.tensor(octaves, device=self.original.device)
        tensors = line.other.tensors
        for index, name in enumerate(names):
            # Between equals there is nothing to do, for ever: filters, noise that training never touched.
            if line.mode == "add" or not torch.equal(tensors[name], self._tensors[name]):
                self._blends.setdefault(name, []).append((line, tensors[name], index))

    def bend(self, line: BendLine) -> None:
        """Add a line. Raises `NetworkError` if it reaches nothing, or if a bend is not for that."""
        target, names = matches(self.original, line.target)
        if target == "activation" and (line.masked_inputs or line.only_inputs is not None):
            what = f"'inputs' and 'only_inputs' choose among a weight's input channels, and '{line.target}' is a layer"
            raise NetworkError(what, hint="Its channels are chosen by 'channels' and 'only'")
        chain, gains = chain_of(line, target), gains_of(line)
        convolutions = _convolutions(self.original, target, names) if gains else {}
        if gains and not convolutions:
            what = f"'{gains[0].word()}' acts on demodulated convolutions, and '{line.target}' is none"
            hint = f"On others 'scale' or 'multiply' do the same. {nearest(line.target, self.original.convolutions)}"
            raise NetworkError(what, hint=hint.strip())
        self.matched[line.name] = self._channels(target, names)
        for index, name in enumerate(names):
            if chain:
                match = self._match(line, target, name, index, chain)
                self.held += sum(bend.held(match.seeded.shape, dict(line.settings)) for bend in chain)
                (self._weights if target == "weight" else self._layers).setdefault(name, []).append(match)
            if name in convolutions:
                layer = convolutions[name]
                self._gains.setdefault(layer, []).append(self._match(line, "convolution", layer, index, gains))
                self._ones[layer] = torch.ones(self._shapes[layer][0], device=self.original.device)

    def ready(self) -> None:
        """After the last line: give the changed weights memory of their own."""
        self.changed = [name for name in self.original.weights if name in self._blends or name in self._weights]
        self._on_the_way = self._bent_on_the_way()
        for name in self._on_the_way:
            for match in self._weights.get(name, []):
                match.seeded.halved = True
            weight = self._tensors[name]
            unit = deviation(weight)
            self._halves[name] = Halved.of(weight, unit)
            for line, other, _ in self._blends.get(name, [])[:1]:
                if line.mode == "lerp":
                    self._differences[name] = Halved.of(other - weight, unit)
        if self.changed:
            self.live = self.original.variant([name for name in self.changed if name not in self._on_the_way])
            self._live_tensors = self.live.tensors
            self.live.settle()
            self._plan()

    def _plan(self) -> None:
        """In what order the changed weights are made."""
        device = self.original.device
        # A device starts work that waits for the same thing in any order: few lanes keep to that of the layers.
        self._lanes, self._mapping_lanes, self._ordered = Lanes(device), Lanes(device, 3), Lanes(device, 3)
        mapping = [name for name in self.changed if name.startswith("mapping.")]
        rest = [name for name in self.changed if name not in mapping and name not in self._on_the_way]
        copied = [name for name in rest if self._copied(name)]
        stored = [name for name in rest if name not in copied]
        # Large pictures of noise are wanted late.
        noise = [
            name for name in stored if name.endswith(".noise_const") and self._tensors[name].numel() > LARGE_PICTURE
        ]
        stored = [name for name in stored if name not in noise]
        self._mapping_turns = [self._turn(names) for names in _grouped(mapping, self._tensors)]
        self._copied_turns = [self._turn(copied)] if copied else []
        self._stored_turns = [self._turn(names) for names in _grouped(stored, self._tensors)]
        self._noise_turns = [self._turn(names) for names in _grouped(noise, self._tensors)]

    def _alone(self, name: str) -> tuple[BlendLine, Tensor, int] | None:
        """The one blend that is all that is done to a weight, where it is a plain one."""
        blends = self._blends.get(name, [])
        alone = len(blends) == 1 and blends[0][0].mode == "lerp" and name not in self._weights
        return blends[0] if alone else None

    def _copied(self, name: str) -> list[Copy]:
        """Copies that blend a weight on the way to what is derived from it, if that is all that is done to it."""
        blend = self._alone(name)
        return [] if blend is None else self.live.blended_on_the_way(name, *blend[1:])

    def _turn(self, names: list[str]) -> Turn:
        found: dict[str, dict[str, list[Copy]]] = {}
        direct = set()
        for name in names:
            if blend := self._alone(name):
                line, other, index = blend
                copies = self._copied(name)
                stored = Copy(self._tensors[name], self._live_tensors[name], other=other, number=index)
                if copies:
                    direct.add(name)
                if copies or stored.flat:
                    found.setdefault(line.name, {})[name] = copies or [stored]
        alike = {}
        for line, of in found.items():
            copies = Copies([copy for copies in of.values() for copy in copies])
            alike[line] = Alike(tuple(of), copies, frozenset(direct.intersection(of)))
        return Turn(names, alike)

    def _bent_on_the_way(self) -> frozenset[str]:
        """Those of the changed weights that need no memory of their own: they are bent on the way to what a fast path
        derives from them, because every bend says in C++ what it does."""
        found = []
        for name, others in self.original.bent_on_the_way().items():
            matches, blends = self._weights.get(name, []), self._blends.get(name, [])
            chain = [bend for match in matches for bend in match.bends]
            said = all(isinstance(bend, WeightBend) and bend.cuda for bend in chain)
            # Other outputs are read as the file has them, so nothing may come before that.
            said = said and not any("row" in bend.cuda for bend in (chain if blends else chain[1:]))  # type: ignore[attr-defined]
            short = len(matches) + len(blends) <= MOST_PARTS and all(
                sum(len(bend.amounts) for bend in match.bends) <= MOST_NUMBERS for match in matches
            )
            if name in self.changed and said and short and not any(other in self.changed for other in others):
                found.append(name)
        return frozenset(found)

    def _channels(self, target: str, names: list[str]) -> tuple[int, ...]:
        if target == "activation":
            return tuple(self._shapes[name][0] for name in names)
        return tuple(self._tensors[name].shape[0] if self._tensors[name].dim() else 1 for name in names)

    def _match(self, line: BendLine, target: str, name: str, index: int, chain: tuple[Bend, ...]) -> Match:
        device = self.original.device
        if target == "convolution":
            shape, axis, unit = self._shapes[name][:1], 0, torch.ones((), device=device)
        elif target == "weight":
            shape, axis, unit = self.original.weights[name] or (1,), 0, deviation(self._tensors[name])
        else:
            shape, axis, unit = (1, *self._shapes[name]), 1, torch.ones((), device=device)
        seeded = Seeded(tuple(shape), axis, zlib.crc32(f"{line.name} {name}".encode()), device, unit)
        outputs = shape[axis]
        inputs = shape[axis + 1] if target == "weight" and len(shape) > 1 else 1
        only = indicator(line.only, outputs, device)
        return Match(line, name, index, chain, seeded, only, indicator(line.only_inputs, inputs, device))

    # Each frame

    def prepare(self, seeds: Mapping[str, int]) -> None:
        """On the host: make what the lines' seeds ask for, where a seed has changed."""
        for chain in (*self._weights.values(), *self._layers.values(), *self._gains.values()):
            for match in chain:
                match.seeded.make(seeds[match.line.name])

    @contextmanager
    def bent(self, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> Iterator[Network]:
        """On the device: the live network, to map and to synthesise with, its weights made of the originals by blends
        and bends. They may still be on their way when it comes (`Network.coming`), and are there when it is left.

        amounts: each line's values by name: 0-d; or 1-d with one for each match; or, if each channel has its own, a
        tuple with a 1-d tensor for each match, as long as its channels or longer.
        """
        # They are read beside what follows, which must not be given their memory.
        crossings = {name: Crossed(crossed(amounts[name], octaves)) for name, octaves in self._octaves.items()}
        try:
            if self.changed:
                self._bend_weights({**amounts, **crossings}, frame, memory)
            yield self.live
            for branch in self._branches:
                branch.join()
        finally:
            self.live.coming.forget()

    def _bend_weights(self, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> None:
        def make(turns: list[Turn], lanes: Lanes) -> None:
            for turn in turns:
                self._bend_turn(turn, lanes, amounts, frame, memory)

        # A mapping network and small layers are short products in a row, which leave room for this beside them. What
        # the styles are made of is wanted first.
        with self._beside.fork():
            make(self._copied_turns, self._lanes)
            with self._stored_beside.fork():
                make(self._stored_turns, self._lanes)
            with self._ordered.open():
                for name in self.changed:
                    if name in self._on_the_way:
                        with self._ordered.next():
                            self.live.derive_bent(name, self._halves[name], self._parts(name, amounts))
                            self.live.coming.announce([name], self.original.device)
            make(self._noise_turns, self._lanes)
        make(self._mapping_turns, self._mapping_lanes)

    def _bend_turn(self, turn: Turn, lanes: Lanes, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> None:
        done: set[str] = set()
        direct: set[str] = set()
        for line, alike in turn.alike.items():
            amount = amounts[line].amount
            if isinstance(amount, Tensor):
                done.update(alike.names)
                direct |= alike.direct
                alike.copies.make(amount)
        if rest := [name for name in turn.names if name not in done]:
            with lanes.open():
                for name in rest:
                    with lanes.next():
                        self._bend_weight(name, amounts, frame, memory)
        if stored := [name for name in turn.names if name not in direct]:
            self.live.rederive(stored)
        self.live.coming.announce(turn.names, self.original.device)

    def _parts(self, name: str, amounts: Mapping[str, Any]) -> list[Part]:
        """What is done to a weight, as the kernel that derives from it takes it."""
        x, parts = self._tensors[name], []
        for blend, other, index in self._blends.get(name, []):
            amount = amount_of(amounts[blend.name].amount, index, x, 0).flatten()
            difference = self._differences.get(name) if not parts else None
            if difference is not None:
                parts.append(Part((FIRST_LERP_IN_CUDA,), {"amount": amount}, difference=difference))
            else:
                parts.append(Part((BLENDED_IN_CUDA[blend.mode],), {"amount": amount}, other.contiguous()))
        for match in self._weights.get(name, []):
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
            deviation = match.seeded.deviation
            parts.append(Part(expressions, numbers, None, deviation, outputs, inputs, noise, order, once))
        return parts

    def _bend_weight(self, name: str, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> None:
        # A single number (a noise strength) is bent as one channel.
        x, live = torch.atleast_1d(self._tensors[name]), torch.atleast_1d(self._live_tensors[name])
        matches = self._weights.get(name, [])
        blends = self._blends.get(name, [])
        for blend, other, index in blends:
            last = blend is blends[-1][0] and not matches
            amount = amount_of(amounts[blend.name].amount, index, x, 0)
            x = blended(x, other, amount, blend.mode, live if last else None)
        for match in matches:
            out = live if match is matches[-1] else None
            x = self._bent(x, match, amounts[match.line.name], frame, memory, out)

    def gains(self, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> dict[str, Tensor] | None:
        """On the device: what multiplies convolutions after their demodulation, as `synthesis` takes it; on the way as
        `bent` weights may be."""
        if not self._gains:
            return None
        found = {}
        with self._gaining.fork():
            for layer, chain in self._gains.items():
                x = self._ones[layer]
                for match in chain:
                    x = self._bent(x, match, amounts[match.line.name], frame, memory)
                found[layer] = x
            self.live.coming.announce(["gains"], self.original.device)
        return found

    def after(
        self, amounts: Mapping[str, Any], frame: Tensor, memory: Memory
    ) -> Callable[[str, Tensor], Tensor] | None:
        """On the device: what `synthesis` calls after each layer, or None if no activation is bent."""
        if not self._layers:
            return None

        def bend(name: str, x: Tensor) -> Tensor:
            for match in self._layers.get(name, ()):
                x = self._bent(x, match, amounts[match.line.name], frame, memory)
            return x

        bend.layers = frozenset(self._layers)  # pyright: ignore[reportFunctionMemberAccess]
        return bend

    def _bent(
        self, x: Tensor, match: Match, values: Any, frame: Tensor, memory: Memory, out: Tensor | None = None
    ) -> Tensor:
        def value(name: str) -> Tensor:
            return amount_of(values[name], match.index, x, match.seeded.axis)

        seeded = match.seeded
        place = Place(
            match.name,
            seeded.noise_now,
            seeded.order_now,
            seeded.deviation,
            frame,
            lambda name, shape: memory(f"{match.line.name} {match.name} {name}", shape),
            dict(match.line.settings),
        )
        bent = x
        for bend in match.bends:
            amounts = {name: value(name) for name in bend.amounts}
            if any(amount.dim() for amount in amounts.values()):
                # Numbers for each channel are float32 and want the same beside them.
                bent = bend.apply(bent.float(), amounts, place).to(x.dtype)
            else:
                bent = bend.apply(bent, amounts, place)
        mask = mask_of(x, match, value)
        if mask is not None:
            return torch.lerp(x, bent, mask.to(x.dtype), out=out)
        return bent if out is None else out.copy_(bent)


def _convolutions(network: Network, target: str, names: list[str]) -> dict[str, str]:
    """Those of a line's matches that are demodulated convolutions -> the layer."""
    known = network.convolutions
    layers = {weight if target == "weight" else layer: layer for layer, weight in known.items()}
    return {name: layers[name] for name in names if name in layers}


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
