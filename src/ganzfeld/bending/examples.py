"""What a bend carries for its pictures and for dice: its examples, and how it is liked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CONVOLUTIONS, STYLES = "synthesis.b*.conv?.weight", "synthesis.b*.conv?.affine.bias"
"""Targets of examples: of the shipped network "planets", all convolutions' weights, and all biases of style affines."""
EARLY_LAYER, LATE_LAYER = "b16", "b64"


@dataclass(frozen=True, slots=True)
class Example:
    """One amount at several strengths, as lines of patch text that bend the node `face`, a StyleGAN2 of 256 px.

    line: with `{}` in the amount's place. The gallery shows a picture for each of `values`, and names the strip `name`.
    """

    name: str
    line: str
    values: tuple[float | str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """A line of patch text for each value."""
        return tuple(self.line.format(repr(value) if isinstance(value, str) else value) for value in self.values)


def on_weights(amount: str, target: str, values: tuple[float, ...], more: str = "") -> Example:
    """An amount of a weight's bend. more: what else the line says, beginning with a comma."""
    return Example(f"weight-{amount}", f'face.bend("{target}", {amount}={{}}{more})', values)


def on_layers(amount: str, values: tuple[float, ...], more: str = "") -> tuple[Example, Example]:
    """An amount of an activation's bend, on an early and on a late layer."""
    early, late = (
        Example(f"activation-{amount}-{layer}", f'face.bend("{layer}", {amount}={{}}{more})', values)
        for layer in (EARLY_LAYER, LATE_LAYER)
    )
    return early, late


# Dice

STYLE_BIASES, CONVOLUTION_WEIGHTS, BIASES, START, COLOURS = "styles", "convolutions", "biases", "start", "colours"
OUTPUTS = "outputs"
EARLY, MIDDLE, LATE = "early", "middle", "late"
LAYERS = (EARLY, MIDDLE, LATE)
LOCAL = (MIDDLE, LATE)


@dataclass(frozen=True, slots=True)
class Taste:
    """How a bend is liked, for dice.

    where: the kinds of places, of the words above. far: how far the amount goes from where nothing happens, at least
    and at most; on the shipped networks this moves the picture by 20 to 90 % of its contrast. often: against 1. share:
    whether it takes a share of the channels (None: sometimes), `of` outputs ("channels") or "inputs". more: further
    amounts, with how far they go.
    """

    where: tuple[str, ...]
    far: tuple[float, float]
    often: float = 1
    share: bool | None = None
    of: str = "channels"
    more: Mapping[str, tuple[float, float]] | None = None
