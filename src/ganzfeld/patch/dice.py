"""Dice: bends that somebody might like, as lines of patch text.

A roll chooses a bend, a place where it tends to look good, how far it goes, how it moves and what share of channels
it takes. Each bend says in its own file what goes where (`Bend.taste`); one that says nothing is used carefully.
"""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ganzfeld.bending.base import TARGETS, Amount, bends
from ganzfeld.bending.examples import (
    BIASES,
    COLOURS,
    CONVOLUTION_WEIGHTS,
    LAYERS,
    OUTPUTS,
    START,
    STYLE_BIASES,
    Taste,
)
from ganzfeld.networks.config import LayerSpec
from ganzfeld.networks.find import shipped_names
from ganzfeld.networks.network import Network, load_network

BLENDS = 0.12
"""How many of the rolls are blends, where there is something to blend with."""


@dataclass(frozen=True, slots=True)
class BendPlace:
    """What a line may bend: the text of its target, and whether that is a glob."""

    target: str
    glob: bool = False


def roll(
    network: Network, seed: int = 0, count: int = 1, *, node: str = "face", others: Sequence[str] = ()
) -> list[str]:
    """`count` lines such as `face.bend("b16", rotate=20*wander(t/7))`; the same for the same seed.

    node: the network's name in the patch. others: names or files of networks to blend with, of one architecture.
    """
    dice = _Dice(network, random.Random(seed), node, others)
    lines: dict[str, None] = {}
    for _ in range(50 * count):
        lines[dice.line()] = None
        if len(lines) == count:
            break
    return list(lines)


def relatives(network: Network) -> list[str]:
    """The shipped networks that this one can be blended with: of the same build, but others."""
    found = []
    for name in shipped_names():
        other = load_network(name)
        if other.sha256 != network.sha256 and other.kind == network.kind and other.weights == network.weights:
            found.append(name)
    return found


class _Dice:
    def __init__(self, network: Network, chance: random.Random, node: str, others: Sequence[str]) -> None:
        self.chance = chance
        self.node = node
        self.others = others
        self.places = {kind: places for kind, places in _places(network).items() if places}
        # What no place of this network suits is not rolled.
        self.tastes = [
            found
            for target in TARGETS
            for found in _tastes(target)
            if not self.places.keys().isdisjoint(found[2].where)
        ]

    def line(self) -> str:
        if self.others and self.chance.random() < BLENDS:
            return self._blend()
        name, amounts, taste = self.chance.choices(self.tastes, [taste.often for *_, taste in self.tastes])[0]
        place = self._place(self.chance.choice([kind for kind in taste.where if kind in self.places]))
        given = [f'"{place.target}"', f"{name}={self._moving(amounts[name], taste.far, place)}"]
        for other, far in (taste.more or {}).items():
            if self.chance.random() < 0.7:
                given.append(f"{other}={self._moving(amounts[other], far, place)}")
        if taste.share or (taste.share is None and self.chance.random() < 0.45):
            given += [f"{taste.of}={self._number(0.3, 0.8)}", f"seed={self.chance.randrange(100)}"]
        elif bends("weight").get(name) and bends("weight")[name].uses_noise:
            given += [f"seed={self.chance.randrange(100)}"]
        return f"{self.node}.bend({', '.join(given)})"

    def _place(self, kind: str) -> BendPlace:
        globs = [place for place in self.places[kind] if place.glob]
        # One of many weights is often hardly seen.
        return self.chance.choice(globs if globs and self.chance.random() < 0.5 else self.places[kind])

    def _blend(self) -> str:
        kinds = [*LAYERS, STYLE_BIASES, CONVOLUTION_WEIGHTS]
        kind = self.chance.choice([kind for kind in kinds if kind in self.places])
        target = self._place(kind).target
        target = f"{target}*" if kind in LAYERS else target
        amount = self._one_sided(Amount(0, ""), self._number(0.4, 1.2))
        return f'{self.node}.blend("{self.chance.choice(self.others)}", "{target}", amount={amount})'

    def _number(self, low: float, high: float) -> str:
        return _short(low + (high - low) * self.chance.random())

    def _moving(self, amount: Amount, far: tuple[float, float], place: BendPlace) -> str:
        """An expression for an amount. Both ways where nothing happens in the middle of its range, else one way."""
        # What is done to all convolutions adds up.
        whole = place.glob and place.target.endswith(".weight")
        reach = (0.6 if whole else 1) * (far[0] + (far[1] - far[0]) * self.chance.random())
        low, high = amount.range
        if low < amount.default < high:
            return self._two_sided(amount, reach, place)
        return self._one_sided(amount, _short(reach))

    def _two_sided(self, amount: Amount, reach: float, place: BendPlace) -> str:
        seconds = self.chance.choice((2, 3, 4, 5, 7))
        # Each match of a glob has a phase of its own: a fan.
        time = f"t/{seconds} + {self.chance.choice(('0.7', '0.9', '1.3'))}*i" if place.glob else f"t/{seconds}"
        move = self.chance.choice((
            f"sin({time})",
            f"wander({time})",
            f'seq("0 1 -.6 <.4 -1>", beats={self.chance.choice((4, 8))}, ease="inout")',
        ))  # fmt: skip
        # It seldom wanders far.
        reach *= 1.6 if move.startswith("wander") else 1
        return _around(amount.default, "+", f"{_short(reach)}*{move}")

    def _one_sided(self, amount: Amount, reach: str) -> str:
        seconds = self.chance.choice((3, 4, 6, 8, 11))
        move = self.chance.choice((
            f"tri(t/{seconds})",
            f"abs(wander(t/{seconds}))",
            f"smoothstep(0.2, 0.8, tri(t/{seconds}))",
            f"env(every({self.chance.choice((2, 4))}), 0, 1.5)",
            f'seq("0 1 .3 <.7 0>", beats={self.chance.choice((4, 8))}, ease="inout")',
        ))  # fmt: skip
        low, high = amount.range
        start = min(max(amount.default, low), high)
        return _around(start, "+" if start < high else "-", f"{reach}*{move}")


def _tastes(target: str) -> Iterator[tuple[str, Mapping[str, Amount], Taste]]:
    """(word, the amounts of its bend, its taste) of every bend."""
    for word, bend in bends(target).items():
        for name in [name for name in bend.amounts if name in bend.taste] or [word]:
            yield name, bend.amounts, bend.taste.get(name) or _plain_taste(target, bend.amounts[name])


def _plain_taste(target: str, amount: Amount) -> Taste:
    """A careful taste for a bend that nobody has written one for."""
    low, high = amount.range
    room = max(high - amount.default, amount.default - low)
    where = {"weight": (CONVOLUTION_WEIGHTS,), "activation": LAYERS, "convolution": (OUTPUTS,)}[target]
    return Taste(where, (0.15 * room, 0.4 * room), often=0.7, share=True)


def _places(network: Network) -> dict[str, list[BendPlace]]:
    """Targets of a network by what they are."""
    globs, specs = network.config.globs, network.config.specs.values()
    single = [BendPlace(name.removeprefix("synthesis.")) for name in _matched(network, globs.convolutions)]
    single = single[: 2 * len(single) // 3]  # one of the last ones is hardly seen
    # A last layer that is the picture is better bent as one.
    inner = [_short_name(spec) for spec in specs if not spec.inner and spec.channels > 4]
    # The end of a block is a convolution, but for "resnet" blocks: their sum is none, their last convolution is.
    outputs = [_short_name(spec) for spec in specs if spec.weight and not (spec.inner and spec.up_filter)]
    third = max(1, len(inner) // 3)
    parts = (inner[:third], inner[third : 2 * third], inner[2 * third :])
    places = {
        STYLE_BIASES: _globbed(globs.styles),
        BIASES: _globbed(globs.biases),
        CONVOLUTION_WEIGHTS: [*_globbed(globs.convolutions), *single],
        OUTPUTS: [*_globbed(globs.outputs), *map(BendPlace, outputs)],
        START: _globbed(globs.start),
        COLOURS: _globbed(globs.colours),
    }
    return places | {kind: [BendPlace(name) for name in part] for kind, part in zip(LAYERS, parts)}


def _globbed(target: str) -> list[BendPlace]:
    """A target as a place; none where a network has nothing of that sort."""
    return [BendPlace(target, glob="*" in target)] if target else []


def _matched(network: Network, glob: str) -> list[str]:
    return fnmatch.filter(network.weights, glob)


def _short_name(spec: LayerSpec) -> str:
    """What somebody would call a layer: L6 of L6_52_1024."""
    return spec.name.partition("_")[0]


def _around(default: float, sign: str, move: str) -> str:
    if default:
        return f"{_short(default)} {sign} {move}"
    return move if sign == "+" else f"-{move}"


def _short(number: float) -> str:
    """A number as one writes it: two digits that count."""
    return f"{float(f'{number:.2g}'):g}" if abs(number) < 100 else f"{float(f'{number:.5g}'):g}"
