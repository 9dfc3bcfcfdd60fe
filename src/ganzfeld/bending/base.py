"""What a bend is, and how the ones there are are found.

Network bending (Broad, Leymarie, Grierson 2020): changing a trained network's weights, or the activations that flow
through it, while it runs. A bend is one class in one file of `weights/`, `activations/` or `convolutions/`. Its amounts
are keywords of `network.bend(…)`, and the first of them gives it its name; each amount has a value at which nothing
happens.

The rules a bend keeps: it returns a new tensor of the same shape and type and never writes what it is given; it reads
nothing on the host; with every amount at its default it returns its input unchanged; it never makes NaN of finite
numbers.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

TARGETS = ("weight", "activation", "convolution")


@dataclass(frozen=True, slots=True)
class Amount:
    """One number of a bend. `range` is what a knob spans, `limits` what is let through, `period` (of an angle)
    what it may be reduced by."""

    default: float
    doc: str
    range: tuple[float, float] = (0.0, 1.0)
    limits: tuple[float, float] = (-1e4, 1e4)
    unit: str = ""
    period: float | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A constant of a line that says how much memory a bend needs, say. `default`: its value if the text has none, from
    the words that the line does have; `check`: turns what is written into what the bend uses, or raises ValueError."""

    doc: str
    default: Callable[[frozenset[str]], Any]
    check: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bend acts: one weight, one layer's activation, one convolution's output.

    noise(): seeded normal noise of the weight's or activation's own shape, the same until the seed changes.
    order(): a seeded order of its channels, int64 [C].
    deviation: of that noise, 0-d: a weight's root mean square as the file has it, so that an amount means the same in
    every weight; 1 for activations.
    frame: this frame's number, a 0-d integer tensor.
    memory(name, shape): a tensor that persists from frame to frame, zero at first.
    settings: the line's constants.
    """

    name: str
    noise: Callable[[], Tensor]
    order: Callable[[], Tensor]
    deviation: Tensor
    frame: Tensor
    memory: Callable[[str, tuple[int, ...]], Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)


class Bend:
    """Base of all kinds. Amounts arrive in `apply` as float32 tensors on the device, by name: 0-d, or with a number
    for each channel, shaped so that it broadcasts to what is bent ([O, 1, 1, 1], [1, C, 1, 1])."""

    amounts: ClassVar[Mapping[str, Amount]]
    settings: ClassVar[Mapping[str, Setting]] = {}
    target: ClassVar[str]
    uses_noise: ClassVar[bool] = False
    uses_order: ClassVar[bool] = False
    fused: ClassVar[bool] = False
    """Whether a kernel of ours takes half precision, and keeps to what that can hold."""

    @classmethod
    def word(cls) -> str:
        """The keyword that switches this bend on: its first amount."""
        return next(iter(cls.amounts))

    @classmethod
    def knows(cls, word: str) -> bool:
        """Whether a keyword of a line is this bend's."""
        return word in cls.amounts or word in cls.settings

    def held(self, shape: tuple[int, ...], settings: Mapping[str, Any]) -> int:
        """Bytes that it keeps from frame to frame for something of this shape."""
        return 0

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        """The bent tensor."""
        raise NotImplementedError(self.word())


class WeightBend(Bend):
    """Bends a weight as the file holds it, output channels first. Before demodulation.

    One that makes every number of few others may say so in C++ as well, in `cuda` and `once` (the expressions of a
    `kernels.cuda.weights.Part`): on a GPU a convolution's weight is then bent on the way to what is made of it.
    jumps: it is not continuous, and wants numbers as the file has them: rounded ones could fall to another side.
    """

    target = "weight"
    cuda: ClassVar[str] = ""
    jumps: ClassVar[bool] = False
    once: ClassVar[Mapping[str, str]] = {}


class ConvolutionBend(Bend):
    """Bends what the output channels of a demodulated convolution are multiplied by: [C], 1 before any bend. A line
    whose target is a convolution's weight or the layer behind it may have these, too."""

    target = "convolution"


class ActivationBend(Bend):
    """Bends an activation [N, C, h, w] after its layer."""

    target = "activation"


@functools.cache
def bends(target: str) -> Mapping[str, Bend]:
    """Every bend of one of `TARGETS`, by its word."""
    folder = importlib.import_module(f"ganzfeld.bending.{target}s")
    found: dict[str, Bend] = {}
    for info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{info.name}")
        for member in vars(module).values():
            if inspect.isclass(member) and issubclass(member, Bend) and member.__module__ == module.__name__:
                found[member.word()] = member()
    return found
