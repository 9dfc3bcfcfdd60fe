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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from torch import Tensor

from ganzfeld.bending.examples import Example, Taste

TARGETS = ("weight", "activation", "convolution")


@dataclass(frozen=True, slots=True)
class Amount:
    """One number of a bend. default: where nothing happens. range: what a knob spans. limits: what is let through.
    period: what an angle may be reduced by. compared: the number at which two devices are compared
    (benchmarks/agree.py), where a share of the range would not do."""

    default: float
    doc: str
    range: tuple[float, float] = (0.0, 1.0)
    limits: tuple[float, float] = (-1e4, 1e4)
    unit: str = ""
    period: float | None = None
    compared: float | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A constant of a line that says how much memory a bend needs, say. `default`: its value if the text has none, from
    the words that the line does have; `check`: turns what is written into what the bend uses, or raises ValueError."""

    doc: str
    default: Callable[[frozenset[str]], Any]
    check: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class BendContext:
    """Where a bend acts: one weight, one layer's activation, one convolution's output.

    noise(): seeded normal noise of the weight's or activation's own shape, the same until the seed changes.
    order(): a seeded order of its channels, int64 [C].
    deviation: of that noise, 0-d: a weight's root mean square as the file has it, so that an amount means the same in
    every weight; 1 for activations.
    frame: this frame's number, a 0-d integer tensor.
    memory(name, shape): a tensor that persists from frame to frame, zero at first.
    settings: the line's constants.
    mask: [h, w] of 0..1, how much of the bend each place of the activation gets; None for all of it. Only a bend that
    `masks` is given one.
    """

    name: str
    noise: Callable[[], Tensor]
    order: Callable[[], Tensor]
    deviation: Tensor
    frame: Tensor
    memory: Callable[[str, tuple[int, ...]], Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)
    mask: Tensor | None = None


class Bend:
    """Base of all kinds. Amounts arrive in `apply` as float32 tensors on the device, by name: 0-d, or with a number
    for each channel, shaped so that it broadcasts to what is bent ([O, 1, 1, 1], [1, C, 1, 1]).

    What else is to be known of a bend stands in its class as well: documentation, gallery, tests, benchmarks and dice
    read it there.
    """

    amounts: ClassVar[Mapping[str, Amount]]
    settings: ClassVar[Mapping[str, Setting]] = {}
    target: ClassVar[str]
    examples: ClassVar[tuple[Example, ...]] = ()
    """Each amount at several strengths."""
    taste: ClassVar[Mapping[str, Taste]] = {}
    """How dice use it: amount -> taste. Without one they use its first amount carefully."""
    jumps: ClassVar[bool] = False
    """It is not continuous: a number that was rounded may fall to the other side of an edge."""
    divided_out: ClassVar[bool] = False
    """On a whole convolution's weight it is not seen: demodulation divides it out."""
    wants_detail: ClassVar[bool] = False
    """It acts on what differs from pixel to pixel, and StyleGAN3's activations are too smooth to show it."""
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

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        """The bent tensor."""
        raise NotImplementedError(self.word())


class WeightBend(Bend):
    """Bends a weight as the file holds it, output channels first. Before demodulation.

    One that makes every number of few others may say so in C++ as well, in `cuda` and `once` (the expressions of a
    `kernels.cuda.weights.Part`): on a GPU a convolution's weight is then bent on the way to what is made of it. There,
    one that jumps is given the numbers as the file has them.
    """

    target = "weight"
    cuda: ClassVar[str] = ""
    once: ClassVar[Mapping[str, str]] = {}


class ConvolutionBend(Bend):
    """Bends what the output channels of a demodulated convolution are multiplied by: [C], 1 before any bend. A line
    whose target is a convolution's weight or the layer behind it may have these, too."""

    target = "convolution"


class ActivationBend(Bend):
    """Bends an activation [N, C, h, w] after its layer.

    masks: it keeps to the context's `mask` itself, in the same pass. With others, what they made is mixed with what
    there was.
    """

    target = "activation"
    masks: ClassVar[bool] = False


class BlendMode:
    """A way to blend one network's weight with another's: one class in one file of `blends/`.

    word: its name in a patch. doc: what it does, in a few words. cuda: the same as `apply` in C++, of x, other and
    amount. linear: it is x + amount · (other − x), so that it can be made from the difference, and by `kernels.copies`.
    compared: the amounts at which two devices are compared, at most and at least.
    """

    word: ClassVar[str]
    doc: ClassVar[str]
    cuda: ClassVar[str]
    linear: ClassVar[bool] = False
    compared: ClassVar[tuple[float, float]] = (0.9, 0.1)
    examples: ClassVar[tuple[Example, ...]] = ()

    def apply(self, x: Tensor, other: Tensor, amount: Tensor, out: Tensor | None) -> Tensor:
        """The blended weight, in `out` if that is given. other: of x's shape; amount: broadcasts to it."""
        raise NotImplementedError(self.word)


Found = TypeVar("Found")


def _found_in(folder: str, base: type[Found]) -> Iterator[type[Found]]:
    """The classes derived from `base` in the modules of a folder."""
    package = importlib.import_module(f"ganzfeld.bending.{folder}")
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for member in vars(module).values():
            if inspect.isclass(member) and issubclass(member, base) and member.__module__ == module.__name__:
                yield member


@functools.cache
def bends(target: str) -> Mapping[str, Bend]:
    """Every bend of one of `TARGETS`, by its word."""
    return {bend.word(): bend() for bend in _found_in(f"{target}s", Bend)}


@functools.cache
def blend_modes() -> Mapping[str, BlendMode]:
    """Every way to blend, by its word."""
    return {mode.word: mode() for mode in _found_in("blends", BlendMode)}
