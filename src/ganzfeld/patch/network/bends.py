"""The lines `network.bend(…)` and `network.blend(…)`: bending's amounts as parameters of the language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ganzfeld.bending.base import TARGETS, Amount, Bend, Setting, bends, blend_modes
from ganzfeld.bending.channels import listed
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.networks.network import Network
from ganzfeld.patch.node import Declared, Input, Method, MethodLine, Named, Parameter, Seed, Structure, Value

_CROSSING = {"crossover", "width", "below"}
COMMON = ("target", "channels", "inputs", "soft", "only", "only_inputs", "seed", "mask")


def _target(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('a layer or a weight by name, or a glob: "b64", "b4.const", "synthesis.b*.conv?.weight"')
    return value


def _mode(value: Any) -> str:
    if value not in blend_modes():
        raise ValueError(f"a way to blend is one of {', '.join(blend_modes())}")
    return value


def _value(name: str, uses: list[tuple[Bend, Amount]]) -> Value:
    """One parameter for a word, which may mean one thing for weights and another for activations."""
    amount = uses[0][1]
    doc = " ".join(f"{use.target.capitalize()}s: {use_amount.doc}" for use, use_amount in uses)
    value = Value(amount.default, doc, range=amount.range, limits=amount.limits, unit=amount.unit,
                  period=amount.period, channels=True)  # fmt: skip
    value.name = name
    return value


def _amounts() -> dict[str, Declared]:
    uses: dict[str, list[tuple[Bend, Amount]]] = {}
    for target in TARGETS:
        for bend in bends(target).values():
            for name, amount in bend.amounts.items():
                uses.setdefault(name, []).append((bend, amount))
    return {name: _value(name, found) for name, found in sorted(uses.items())}


def _settings() -> dict[str, Declared]:
    found = {}
    for target in TARGETS:
        for bend in bends(target).values():
            for name, setting in bend.settings.items():
                found[name] = Structure(None, setting.doc, check=_given(setting))
                found[name].name = name
    return found


def _given(setting: Setting) -> Callable[[Any], Any]:
    return lambda value: None if value is None else setting.check(value)


def switched_on(given: Iterable[str]) -> tuple[str, ...]:
    """The bends that a line's words switch on, in the order of the text: of weights or activations, whichever has
    them. A word that is a further amount of a bend (`feedback_zoom`, `y`) switches that bend on."""
    found: dict[str, None] = {}
    for word in given:
        for target in TARGETS:
            for name, bend in bends(target).items():
                if bend.knows(word):
                    found[name] = None
    return tuple(found)


class BendMethod(Method):
    """Bend weights or the activations after a layer. Several in one line act in their order, several lines too.

    A layer's name ("b64", "b64.conv0", "L6") bends activations; a weight's ("b4.const", "synthesis.b*.conv?.weight")
    bends weights, before demodulation; `gain` acts after it. So `scale` is not seen on a convolution's weight, whole or
    a share of its output channels: the network divides it out again. Globs reach several; `i` and `n` tell which of how
    many. Amounts may differ from (output) channel to channel: `c` counts them. `mask` says where in the picture a layer
    is bent: wholly where that picture is white, not at all where it is black or transparent.
    """

    method = "bend"

    target = Structure("*", "What to bend: a layer, a weight, or a glob.", check=_target)
    channels = Value(1, "A seeded share of the (output) channels; or a list of them, as `only`: [0, 3].", limits=(0, 1))
    inputs = Value(1, "Weights: a seeded share of the input channels.", limits=(0, 1))
    soft = Value(0, "How gradually channels enter the share.", limits=(0, 1))
    only = Structure(None, 'Only these channels: "0-15" or [0, 3]; together with a share, that share of them.',
                     check=listed)  # fmt: skip
    only_inputs = Structure(None, "Weights: only these input channels.", check=listed)
    seed = Seed(0, "Which channels, which noise, which order: a number or a word.")
    mask = Input("image", "Activations: where to bend, and how much: a picture, as bright and opaque as it is there.",
                 required=False)  # fmt: skip

    @classmethod
    def meant(cls, name: str, lists: bool) -> str:
        return "only" if name == "channels" and lists else name

    @classmethod
    def present(cls, given: Iterable[str]) -> dict[str, Parameter]:
        given = list(given)
        words = set(switched_on(given))
        amounts = {
            name
            for target in TARGETS
            for word, bend in bends(target).items()
            if word in words
            for name in (*bend.amounts, *bend.settings)
        }
        present = amounts.union(COMMON)
        return {name: parameter for name, parameter in cls.declared_parameters().items() if name in present}


BendMethod.declared = {**BendMethod.declared, **_amounts(), **_settings()}


class BlendMethod(Method):
    """Blend this network's weights with another's, before any bend. The other has to be of the same architecture.

    The target is a layer, a weight or a glob over either: "b32*" is the blocks b32, "*" the whole network. With
    `crossover` the layers' resolution decides (Pinkney and Adler 2020): `below` counts in the coarse layers and the
    mapping network, which make the shape; `amount` in the fine ones, which make the skin.
    """

    method = "blend"

    other = Structure(None, "The other network: a shipped one by name, or a file.", check=_target)
    target = Structure("*", "Which weights.", check=_target)
    amount = Value(0.5, "0 is this network, 1 the other; beyond both is wanted too.", range=(-2, 3), channels=True)
    mode = Structure("lerp", f"One of: {', '.join(f'{mode.doc} ({word})' for word, mode in blend_modes().items())}.",
                     check=_mode)  # fmt: skip
    crossover = Value(32, "The resolution at which `below` and `amount` meet half way.", range=(4, 1024),
                      limits=(1, 1e5), unit="pixels")  # fmt: skip
    width = Value(1, "How gradual that is, in octaves; 0 is a cut.", range=(0, 8), limits=(0, 100))
    below = Value(0, "With `crossover`: the amount in the coarse layers.", range=(-2, 3))

    @classmethod
    def present(cls, given: Iterable[str]) -> dict[str, Parameter]:
        declared = cls.declared_parameters()
        if not _CROSSING.isdisjoint(given):
            return declared
        return {name: each for name, each in declared.items() if name not in _CROSSING}


def bend_line(line: MethodLine, structure: Named) -> BendLine:
    """A bend line for `bending`, with its words in one order for one kind of target."""
    given = set(line.given)
    return BendLine(
        name=line.name,
        target=structure[f"{line.name}.target"],
        words=tuple(word for word in line.given if word not in COMMON and word not in _settings()),
        only=structure[f"{line.name}.only"],
        only_inputs=structure[f"{line.name}.only_inputs"],
        masked=bool(given & {"channels", "soft"}),
        masked_inputs="inputs" in given,
        settings=tuple(_line_settings(line, structure)),
        placed="mask" in given,
    )


def _line_settings(line: MethodLine, structure: Named) -> Iterator[tuple[str, Any]]:
    given = frozenset(line.given)
    for target in TARGETS:
        for bend in bends(target).values():
            if any(bend.knows(word) for word in given):
                for name, setting in bend.settings.items():
                    written = structure[f"{line.name}.{name}"]
                    yield name, setting.default(given) if written is None else written


def blend_line(line: MethodLine, structure: Named, other: Network) -> BlendLine:
    """A blend line for `bending`."""
    target, mode = structure[f"{line.name}.target"], structure[f"{line.name}.mode"]
    return BlendLine(line.name, other, target, mode, crossed=not _CROSSING.isdisjoint(line.given))
