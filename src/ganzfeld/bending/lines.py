"""The lines of a patch that bend and blend: what is asked, of what, by which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ganzfeld.bending.base import Bend, bends
from ganzfeld.errors import NetworkError, nearest
from ganzfeld.networks.network import Network


@dataclass(frozen=True, slots=True)
class BendLine:
    """One line `face.bend(target, …)`. words: the amounts written in it, in order. only, only_inputs: listed channels.
    masked, masked_inputs: whether a share of channels is taken at all. settings: the bends' constants. placed: whether
    a picture says where it acts."""

    name: str
    target: str
    words: tuple[str, ...]
    only: tuple[int, ...] | None = None
    only_inputs: tuple[int, ...] | None = None
    masked: bool = False
    masked_inputs: bool = False
    settings: tuple[tuple[str, Any], ...] = ()
    placed: bool = False


@dataclass(frozen=True, slots=True)
class BlendLine:
    """One line `face.blend(other, target, …)`. crossed: whether the amount differs from resolution to resolution."""

    name: str
    other: Network
    target: str
    mode: str = "lerp"
    crossed: bool = False


def chain_of(line: BendLine, target: str) -> tuple[Bend, ...]:
    """The bends that a line's words switch on, each once, in the order of the words."""
    chain: dict[str, Bend] = {}
    others = [amount for bend in gains_of(line) for amount in bend.amounts]
    for word in line.words:
        if word in others:
            continue
        found = [(name, bend) for name, bend in bends(target).items() if word in bend.amounts]
        if not found:
            other, thing = ("activations", "a weight") if target == "weight" else ("weights", "a layer")
            known = [amount for bend in bends(target).values() for amount in bend.amounts]
            what = f"'{word}' bends {other}, and '{line.target}' is {thing}"
            raise NetworkError(what, hint=nearest(word, known))
        chain.update(found)
    return tuple(chain.values())


def gains_of(line: BendLine) -> tuple[Bend, ...]:
    """The bends of convolutions' outputs that a line's words switch on."""
    return tuple(bend for bend in bends("convolution").values() if not bend.amounts.keys().isdisjoint(line.words))
