"""Dice: bends that somebody might like, as lines of patch text.

A roll chooses a bend, a place where it tends to look good, how far it goes, how it moves and what share of channels
it takes. The tastes below say what goes where; a bend that has none is taken from what it declares itself.
"""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ganzfeld.bending.base import Amount, bends
from ganzfeld.networks.find import shipped_names
from ganzfeld.networks.network import Network, load_network

STYLES, CONVOLUTIONS, BIASES, START, COLOURS = "styles", "convolutions", "biases", "start", "colours"
OUTPUTS = "outputs"
EARLY, MIDDLE, LATE = "early", "middle", "late"
LAYERS = (EARLY, MIDDLE, LATE)
LOCAL = (MIDDLE, LATE)
BLENDS = 0.12
"""How many of the rolls are blends, where there is something to blend with."""


@dataclass(frozen=True, slots=True)
class Taste:
    """How a bend is liked. where: kinds of places. far: how far its first amount goes from where nothing happens, at
    least and at most. often: against 1. share: whether it takes a share of the channels (None: sometimes), `of` outputs
    ("channels") or "inputs". more: further amounts, with how far they go."""

    where: tuple[str, ...]
    far: tuple[float, float]
    often: float = 1
    share: bool | None = None
    of: str = "channels"
    more: Mapping[str, tuple[float, float]] | None = None


# Reaches were measured on the shipped networks: at its peak a bend moves the picture by 20 to 90 % of its contrast.
OF_WEIGHTS: Mapping[str, Taste] = {
    "scale": Taste((STYLES, START, COLOURS), (0.3, 0.7), often=3),
    "offset": Taste((STYLES, BIASES, START), (0.2, 0.6), often=1.5),
    "add_noise": Taste((STYLES, BIASES, START), (0.3, 0.8)),
    "lerp_noise": Taste((CONVOLUTIONS, START), (0.3, 0.6), often=1.5),
    "clamp": Taste((CONVOLUTIONS,), (3, 3.6), often=0.5),
    "power": Taste((CONVOLUTIONS, STYLES), (0.5, 0.8), often=0.5),
    "quantise": Taste((CONVOLUTIONS,), (1.2, 2.5), often=0.7),
    "roll": Taste((START, CONVOLUTIONS), (1, 4), often=0.5, share=True),
    "rotate": Taste((CONVOLUTIONS, START), (20, 60), often=2),
    "shuffle": Taste((CONVOLUTIONS, START), (0.5, 0.9), often=0.7, share=True),
    "sign": Taste((CONVOLUTIONS,), (0.6, 1), often=0.5),
    "swap": Taste((CONVOLUTIONS, START), (0.4, 0.7), often=0.5, share=True),
    # Demodulation divides a fading output channel back up, until it is gone; inputs fade.
    "zero": Taste((CONVOLUTIONS,), (0.6, 1), often=0.7, share=True, of="inputs"),
}
OF_ACTIVATIONS: Mapping[str, Taste] = {
    "multiply": Taste(LAYERS, (0.4, 1), often=2),
    "add": Taste(LOCAL, (0.2, 0.6), share=True),
    "x": Taste(LAYERS, (0.05, 0.2), often=0.8, more={"rotate": (4, 20)}),
    "rotate": Taste(LAYERS, (10, 60), often=2.5),
    "scale": Taste(LAYERS, (0.1, 0.4), often=2),
    "blur": Taste(LOCAL, (0.03, 0.07), often=0.8),
    "erode": Taste(LAYERS, (0.5, 1)),
    "dilate": Taste(LAYERS, (0.5, 1), often=1.5),
    "feedback": Taste(LAYERS, (0.8, 0.95), often=2, more={"feedback_rotate": (1, 4), "feedback_scale": (0.01, 0.03)}),
    "flip_x": Taste(LAYERS, (0.6, 1), share=True),
    "flip_y": Taste(LAYERS, (0.6, 1), share=True),
    "invert": Taste(LAYERS, (0.4, 0.8), often=0.7, share=True),
    "ablate": Taste(LAYERS, (0.6, 1), often=0.7, share=True),
    "noise": Taste(LAYERS, (0.2, 0.6), often=0.7),
    "quantise": Taste(LAYERS, (0.5, 1.8)),
    "sharpen": Taste(LOCAL, (1.5, 4), often=1.5),
    "shuffle": Taste(LAYERS, (0.4, 0.8), often=0.7, share=True),
    "swap": Taste(LAYERS, (0.4, 0.8), often=0.7, share=True),
    "sobel": Taste(LOCAL, (0.3, 0.9)),
    "threshold": Taste(LAYERS, (0.2, 0.8)),
}
OF_CONVOLUTIONS: Mapping[str, Taste] = {"gain": Taste((OUTPUTS,), (0.4, 1), often=2)}


@dataclass(frozen=True, slots=True)
class Place:
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
        self.tastes = [
            *_tastes("weight", OF_WEIGHTS),
            *_tastes("activation", OF_ACTIVATIONS),
            *_tastes("convolution", OF_CONVOLUTIONS),
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

    def _place(self, kind: str) -> Place:
        globs = [place for place in self.places[kind] if place.glob]
        # One of many weights is often hardly seen.
        return self.chance.choice(globs if globs and self.chance.random() < 0.5 else self.places[kind])

    def _blend(self) -> str:
        kinds = [EARLY, MIDDLE, LATE, STYLES, CONVOLUTIONS]
        kind = self.chance.choice([kind for kind in kinds if kind in self.places])
        target = self._place(kind).target
        target = f"{target}*" if kind in LAYERS else target
        amount = self._one_sided(Amount(0, ""), self._number(0.4, 1.2))
        return f'{self.node}.blend("{self.chance.choice(self.others)}", "{target}", amount={amount})'

    def _number(self, low: float, high: float) -> str:
        return _short(low + (high - low) * self.chance.random())

    def _moving(self, amount: Amount, far: tuple[float, float], place: Place) -> str:
        """An expression for an amount. Both ways where nothing happens in the middle of its range, else one way."""
        # What is done to all convolutions adds up.
        whole = place.glob and place.target.endswith(".weight")
        reach = (0.6 if whole else 1) * (far[0] + (far[1] - far[0]) * self.chance.random())
        low, high = amount.range
        if low < amount.default < high:
            return self._two_sided(amount, reach, place)
        return self._one_sided(amount, _short(reach))

    def _two_sided(self, amount: Amount, reach: float, place: Place) -> str:
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


def _tastes(target: str, tastes: Mapping[str, Taste]) -> Iterator[tuple[str, Mapping[str, Amount], Taste]]:
    """(word, the amounts of its bend, its taste) of every bend."""
    for word, bend in bends(target).items():
        liked = [name for name in bend.amounts if name in tastes] or [word]
        for name in liked:
            yield name, bend.amounts, tastes.get(name) or _plain_taste(target, bend.amounts[name])


def _plain_taste(target: str, amount: Amount) -> Taste:
    """A careful taste for a bend that nobody has written one for."""
    low, high = amount.range
    room = max(high - amount.default, amount.default - low)
    where = {"weight": (CONVOLUTIONS,), "activation": LAYERS, "convolution": (OUTPUTS,)}[target]
    return Taste(where, (0.15 * room, 0.4 * room), often=0.7, share=True)


def _places(network: Network) -> dict[str, list[Place]]:
    """Targets of a network by what they are."""
    if network.kind == "stylegan2":
        layer, start, colours = "b*.conv?", ["b4.const"], ["b*.torgb.affine.bias"]
    else:
        last = network.layers[-1].partition("_")[0]
        layer, start, colours = "L*[0-9]", ["input.weight"], [f"{last}_*.affine.bias"]
    convolutions = fnmatch.filter(network.weights, f"synthesis.{layer}.weight")
    single = [Place(name.removeprefix("synthesis.")) for name in convolutions]
    single = single[: 2 * len(single) // 3]  # one of the last ones is hardly seen
    # The last layer of StyleGAN3 is the picture, and is better bent as one.
    inner = [name.partition("_")[0] for name in network.layers if "." not in name and network.layer_shapes[name][0] > 4]
    # The end of a block is a convolution, but for "resnet" blocks: their sum is none, their last convolution is.
    outputs = [name.partition("_")[0] for name in network.convolutions if not name.endswith(".conv0")]
    third = max(1, len(inner) // 3)
    parts = (inner[:third], inner[third : 2 * third], inner[2 * third :])
    return {
        STYLES: [Place(f"synthesis.{layer}.affine.bias", glob=True)],
        BIASES: [Place(f"synthesis.{layer}.bias", glob=True)],
        CONVOLUTIONS: [Place(f"synthesis.{layer}.weight", glob=True), *single],
        OUTPUTS: [Place(layer[0] + "*", glob=True), *(Place(name) for name in outputs)],
        START: [Place(name) for name in start],
        COLOURS: [Place(name, glob="*" in name) for name in colours],
        **{kind: [Place(name) for name in part] for kind, part in zip(LAYERS, parts)},
    }


def _around(default: float, sign: str, move: str) -> str:
    if default:
        return f"{_short(default)} {sign} {move}"
    return move if sign == "+" else f"-{move}"


def _short(number: float) -> str:
    """A number as one writes it: two digits that count."""
    return f"{float(f'{number:.2g}'):g}" if abs(number) < 100 else f"{float(f'{number:.5g}'):g}"
