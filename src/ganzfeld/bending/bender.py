"""A network with its bends and blends: originals are read, bent copies played.

The order is originals → blends → bends → derived tensors (docs/architecture.md, "Bending"). Only what is bent has
memory of its own; all other tensors are the originals themselves, and nothing here ever writes one of those. Without
its lines the picture is bitwise as before.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import Bend
from ganzfeld.bending.bent_weights import BentWeights
from ganzfeld.bending.blending import Crossed, check_same, crossed
from ganzfeld.bending.host_weights import Said
from ganzfeld.bending.layer_masks import LayerMasks
from ganzfeld.bending.lines import BendLine, BlendLine, chain_of, gains_of
from ganzfeld.bending.matching import Blend, Match, Memory, Seeded, bent, indicator
from ganzfeld.bending.statistics import deviation
from ganzfeld.bending.targets import matches, side_of, weights_of
from ganzfeld.errors import NetworkError, nearest
from ganzfeld.kernels.side_streams import SideStream, joined_at_the_latest
from ganzfeld.networks.generator import LayerHook
from ganzfeld.networks.network import Network


class Bender:
    """A network, and what is done to it.

    live: the network to play. matched: the number of channels of each weight or layer that a line reaches. changed: the
    weights that are bent or blended. held: bytes that the bends keep from frame to frame, beside what those take.
    """

    def __init__(self, network: Network, size: tuple[int, int] | None = None, resolution: int | None = None) -> None:
        """`size`, `resolution`: as `Network.synthesis` will be asked; activations have other shapes then."""
        self.original = self.live = network
        self._shapes = network.layer_shapes_at(size, resolution)
        self.matched: dict[str, tuple[int, ...]] = {}
        self.changed: list[str] = []
        self.held = 0
        self._blends: dict[str, list[Blend]] = {}
        self._octaves: dict[str, Tensor] = {}
        self._weights: dict[str, list[Match]] = {}
        self._layers: dict[str, list[Match]] = {}
        self._gains: dict[str, list[Match]] = {}
        self._ones: dict[str, Tensor] = {}
        self._tensors = network.tensors
        self._bent_weights: BentWeights | None = None
        self._gaining = SideStream(network.device)
        self._said: Said | None = None
        self._masks = LayerMasks(network, size, resolution)

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
                self._blends.setdefault(name, []).append(Blend(line, tensors[name], index))

    def bend(self, line: BendLine) -> None:
        """Add a line. Raises `NetworkError` if it reaches nothing, or if a bend is not for that."""
        target, names = matches(self.original, line.target)
        if target == "activation" and (line.masked_inputs or line.only_inputs is not None):
            what = f"'inputs' and 'only_inputs' choose among a weight's input channels, and '{line.target}' is a layer"
            raise NetworkError(what, hint="Its channels are chosen by 'channels' and 'only'")
        chain, gains = chain_of(line, target), gains_of(line)
        if line.placed:
            _check_placed(line, target, gains)
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
        if self._blends or self._weights:
            self._bent_weights = BentWeights(self.original, self._blends, self._weights)
            self.live, self.changed = self._bent_weights.live, self._bent_weights.changed

    @property
    def copied(self) -> int:
        """Bytes of the weights that lines reach, which `ready` may make copies of."""
        sizes = {name: tensor.numel() * tensor.element_size() for name, tensor in self._tensors.items()}
        copied = sum(sizes[name] for name in {*self._blends, *self._weights})
        # A processor keeps what is derived from either network of a blend.
        both = self.original.device.type == "cpu"
        return copied + (2 * sum(sizes[name] for name in self._blends) if both else 0)

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

    def prepare(self, seeds: Mapping[str, int], said: Said | None = None) -> None:
        """On the host: make what the lines' seeds ask for, where a seed has changed. said: all that each line says in
        this frame, so that what says the same as before need not be done again; None: nobody knows."""
        self._said = said
        for chain in (*self._weights.values(), *self._layers.values(), *self._gains.values()):
            for match in chain:
                match.seeded.make(seeds[match.line.name])

    @contextmanager
    def bent(
        self,
        amounts: Mapping[str, Any],
        frame: Tensor,
        memory: Memory,
        until: str | None = None,
        resolution: int | None = None,
    ) -> Iterator[Network]:
        """On the device: the live network, to map and to synthesise with, its weights made of the originals by blends
        and bends. They may still be on their way when it comes (`Runtime.pending`), and are there when it is left.

        until, resolution: as `Network.synthesis` will be asked, at most: weights of later layers may not be made.

        amounts: each line's values by name: 0-d; or 1-d with one for each match; or, if each channel has its own, a
        tuple with a 1-d tensor for each match, as long as its channels or longer.
        """
        # They are read beside what follows, which must not be given their memory.
        all_amounts = self._all_amounts(amounts)
        branches = () if self._bent_weights is None else self._bent_weights.branches
        try:
            with joined_at_the_latest(*branches, self._gaining, self._masks.making):
                if self._bent_weights is not None:
                    used = partial(self.original.config.plays, until=until, resolution=resolution)
                    self._bent_weights.make(all_amounts, frame, memory, used, self._said)
                yield self.live
        finally:
            self.live.runtime.pending.forget()

    def weight(self, name: str, amounts: Mapping[str, Any], frame: Tensor, memory: Memory) -> Tensor:
        """On the device: a weight as it is played with, to be looked at. Within `bent`."""
        if self._bent_weights is None:
            return self._tensors[name]
        return self._bent_weights.bent(name, self._all_amounts(amounts), frame, memory)

    def _all_amounts(self, amounts: Mapping[str, Any]) -> dict[str, Any]:
        """With those that follow from where two networks cross."""
        crossings = {name: Crossed(crossed(amounts[name], octaves)) for name, octaves in self._octaves.items()}
        return {**amounts, **crossings}

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
                    x = bent(x, match, amounts[match.line.name], frame, memory)
                found[layer] = x
            self.live.runtime.pending.announce(["gains"], self.original.device)
        return found

    def after(
        self,
        amounts: Mapping[str, Any],
        frame: Tensor,
        memory: Memory,
        pictures: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> LayerHook | None:
        """On the device: what `synthesis` calls after each layer, or None if no activation is bent.

        pictures: of each line that is placed, the picture [1, 4, H, W] that says where it acts. They are read beside
        what follows, until `bent` is left.
        """
        if not self._layers:
            return None
        lines = {
            name: [match.line.name for match in chain if match.line.placed] for name, chain in self._layers.items()
        }
        masks = self._masks.made(lines, pictures)

        def bend(name: str, x: Tensor) -> Tensor:
            for match in self._layers[name]:
                where = masks.get((match.line.name, name))
                if where is not None:
                    self._masks.ready()
                x = bent(x, match, amounts[match.line.name], frame, memory, where=where)
            return x

        return LayerHook(bend, self._layers)


def _check_placed(line: BendLine, target: str, gains: tuple[Bend, ...]) -> None:
    """Raise `NetworkError` for a line with a mask that bends more than activations."""
    if target == "weight":
        what = f"'mask' says where in a picture a layer is bent, and '{line.target}' is a weight, which is everywhere"
        raise NetworkError(what, hint='Bend the layer\'s activation, by its name: "b32", "L6"')
    if gains:
        what = f"'{gains[0].word()}' acts on a whole convolution, so that a mask has no place in it"
        raise NetworkError(what, hint="'multiply' does nearly the same with a mask")


def _convolutions(network: Network, target: str, names: list[str]) -> dict[str, str]:
    """Those of a line's matches that are demodulated convolutions -> the layer."""
    known = network.convolutions
    layers = {weight if target == "weight" else layer: layer for layer, weight in known.items()}
    return {name: layers[name] for name in names if name in layers}
