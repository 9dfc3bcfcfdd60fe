"""What a node type declares, and what it is handed when it runs.

A node type is one class in one file of `patch/nodes/`: its docstring is its documentation, its class attributes
are its parameters and inputs in the order of their positional arguments. Three moments in its life:

    setup(context)            once per built patch, off the render thread: open files, check choices
    prepare(context)          each frame, on the host: consume host values, fill staging buffers
    render(context, inputs)   each frame, on the device: torch operations alone, so that it can be captured in a graph

There are four kinds of parameter: `Value` (a number the device reads: a 0-dimensional tensor in `render`), `HostValue`
(a number needed on the host: read it in `prepare`), `Choice` (one of a few things: a Python value in `render`, each
variant its own program), `Structure` (fixed while a program lives). docs/architecture.md, "Structure and values", says
why.

Pictures between nodes are `[1, 4, H, W]`, RGBA, sRGB-encoded, straight alpha, 0..1 (not clamped), row 0 at the top.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ganzfeld.errors import PatchError, Where, nearest
from ganzfeld.patch.costs import Cost
from ganzfeld.seeds import COUNT, seed_number

if TYPE_CHECKING:
    import numpy as np
    import torch

    from ganzfeld.patch.resources import Resources
    from ganzfeld.values.time import Moment


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is a part of another one, as a module beside a script is. stamp: which version of it was read
    (`values.hazards.stamp_of`; 0: there was none)."""

    path: Path
    whole: Path
    stamp: int


class Declared:
    """Something a node type declares as a class attribute, whose name becomes its `name`. doc: one sentence for a
    person, for the reference and for help."""

    name: str = ""
    doc: str

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Parameter(Declared):
    """Base of the four kinds."""

    kind: ClassVar[str]
    default: Any


class Value(Parameter):
    """A number that the device reads each frame. `range` is what a knob spans, `limits` what is ever let through.

    period: the number is reduced to it before it becomes a float32 (360 for an angle), so that what has been turning
    for a month turns as smoothly as on the first day.
    channels: its expression may speak of `c`, the channel. The device then reads a tuple with one [channels] for each
    match of its line.
    """

    kind = "value"

    def __init__(
        self,
        default: float,
        doc: str,
        *,
        range: tuple[float, float] = (0.0, 1.0),
        limits: tuple[float, float] = (-1e6, 1e6),
        unit: str = "",
        period: float | None = None,
        channels: bool = False,
    ) -> None:
        self.default, self.doc, self.range, self.limits, self.unit = default, doc, range, limits, unit
        self.period, self.channels = period, channels


class HostValue(Value):
    """A number (or, with `vector`, also a list of numbers) that the host needs before the frame."""

    kind = "host value"

    def __init__(self, default: Any, doc: str, *, vector: bool = False, **rest: Any) -> None:
        super().__init__(default, doc, **rest)
        self.vector = vector


class Seed(HostValue):
    """A seed: a number or a word, by the rule of `ganzfeld.seeds`. What `prepare` reads is from 0 to below 2³²."""

    def __init__(self, default: float, doc: str, *, range: tuple[float, float] = (0, 100)) -> None:
        super().__init__(default, doc, range=range, limits=(0, COUNT))

    def number(self, value: float | str) -> float:
        """The number that a value stands for; 0 for what is none, as 1/0. Fractions stay: noise has fields for them."""
        number = float(seed_number(value)) if isinstance(value, str) else value % COUNT if isfinite(value) else 0.0
        return number if number < COUNT else 0.0  # -1e-9 % COUNT is COUNT, rounded


class Choice(Parameter):
    """One of `options`; None means that the node checks the candidates itself in `setup`.

    instead: the name of an input. If a node stands where the choice does, it is read by that input, and the choice is
    the option of the input's name.
    """

    kind = "choice"

    def __init__(
        self, default: Any, doc: str, *, options: tuple[Any, ...] | None = None, instead: str | None = None
    ) -> None:
        self.default, self.doc, self.options, self.instead = default, doc, options, instead


class Toggle(Choice):
    """A choice between off and on."""

    def __init__(self, default: bool, doc: str) -> None:
        super().__init__(default, doc, options=(False, True))


class Structure(Parameter):
    """A constant of the text (size, file, list of seeds): no expressions. `check` turns it into what the node uses.

    moving: the name of a host value. If an expression that moves stands where the constant does, it is that
    parameter's.
    """

    kind = "structure"

    def __init__(
        self,
        default: Any,
        doc: str,
        *,
        check: Callable[[Any], Any] = lambda value: value,
        moving: str | None = None,
    ) -> None:
        self.default, self.doc, self.check, self.moving = default, doc, check, moving


class Input(Declared):
    """A connection from another node that makes an "image" or a "latent"."""

    def __init__(self, makes: str, doc: str, *, required: bool = True) -> None:
        self.makes, self.doc, self.required = makes, doc, required


@dataclass(frozen=True, slots=True)
class LatentRequest:
    """A reader asks for a latent of this many numbers."""

    dim: int


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A reader asks for a picture, of this size if the node can choose it (None: as the node likes)."""

    width: int | None = None
    height: int | None = None


Request = LatentRequest | ImageRequest


@dataclass(slots=True)
class Latent:
    """A place in a network's latent space.

    points: [K, z_dim] in z, or [K, num_ws or 1, w_dim] in w. weights: [K], how the K points are mixed *in w*
    (None when K is 1).
    """

    points: torch.Tensor
    space: str = "z"
    weights: torch.Tensor | None = None


class Named:
    """Read access to a mapping by attribute (`parameters.psi`) or by key. Raises AttributeError or KeyError."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)


@dataclass(slots=True)
class SetupContext:
    """What `setup` sees.

    structure: checked constants. candidates: for each choice, every value it may take. resources: opened files,
    shared by all programs. where: a parameter's place in the text. lines: the node's method lines, in order; their
    parameters are named "line.parameter" ("show.layer"). spend_at: adds a cost of this node to the patch's. given: the
    parameters that the text gives. holds: whether the patch holds a rate, so that networks may be played smaller.
    captures: whether what the node asks of its device is recorded once and repeated without it.
    """

    path: str
    structure: Named
    candidates: Mapping[str, tuple[Any, ...]]
    resources: Resources
    device: torch.device
    where: Callable[[str], Where]
    lines: tuple[MethodLine, ...] = ()
    spend_at: Callable[[Cost, Where], None] = lambda cost, where: None
    given: frozenset[str] = frozenset()
    holds: bool = False
    captures: bool = False

    def spend(self, cost: Cost, parameter: str) -> None:
        """Say what this node will take, before it takes it. Raises PatchError at a parameter if that is too much."""
        self.spend_at(cost, self.where(parameter))

    def refuse(self, what: str, parameter: str, hint: str = "") -> PatchError:
        """An error that points at a parameter."""
        return PatchError(what, where=self.where(parameter), hint=hint)

    def do_without(self, refused: PatchError) -> None:
        """A file cannot be opened: raise that, or, in a process that takes a show over, tell it and go on without the
        file (see `Resources.does_without`)."""
        if not self.resources.does_without:
            raise refused
        self.resources.notes.append(refused)

    def check_choice(self, parameter: str, options: Iterable[Any], thing: str) -> None:
        """Refuse a candidate that is not among `options`, with the nearest one that is."""
        known = list(options)
        for candidate in self.candidates[parameter]:
            if candidate not in known:
                hint = nearest(str(candidate), map(str, known))
                raise self.refuse(f"{thing} '{candidate}' does not exist here", parameter, hint)


@dataclass(slots=True)
class PrepareContext:
    """What `prepare` sees: this frame's host values, and ways to hand things to the device.

    parameters: every parameter's host value. stage(name, array): copies a fixed-shape array into the staging
    buffer `staged.name` of `render`. memory: this node's own host state, kept across programs (plain data).
    """

    path: str
    moment: Moment
    parameters: Named
    request: Request
    stage: Callable[[str, np.ndarray], None]
    memory: dict[str, Any]
    report: Callable[[Exception], None]


class NodeTap(Protocol):
    """Looks into a node while it renders, and changes nothing of what it makes (`engine.taps`). layers, weights: the
    words by which it knows what it looks at."""

    @property
    def layers(self) -> Collection[str]: ...

    @property
    def weights(self) -> Collection[str]: ...

    def layer(self, word: str, x: torch.Tensor) -> None:
        """An activation [1, C, h, w]; x is only valid now."""
        ...

    def weight(self, word: str, before: torch.Tensor, after: torch.Tensor) -> None:
        """A weight as the network has it, and as it is played with."""
        ...

    def misses(self, word: str, why: str) -> None:
        """There is no such layer or weight."""
        ...


@dataclass(slots=True)
class RenderContext:
    """What `render` sees. Read no value on the host here: no `.item()`, no `if tensor`.

    parameters: values as 0-dimensional float32 tensors on the device, choices and structure as Python values.
    staged: the buffers that `prepare` filled. request: what the reader asks for. state(name, shape): a tensor
    that persists from frame to frame and across programs, zero at first; update it in place.
    halvings: how many times this node is to halve its inner size (see `Node.most_halvings`). tap: who looks into a
    network while it is played, if anybody does.
    methods: the parameters of each method line, by the line's name. report: show a problem without failing.
    """

    path: str
    parameters: Named
    staged: Named
    request: Request
    device: torch.device
    state: Callable[..., torch.Tensor]
    methods: Mapping[str, Named]
    report: Callable[[Exception], None]
    halvings: int = 0
    tap: NodeTap | None = None


class Declares:
    """Collects what a class declares, in order, bases first."""

    declared: ClassVar[dict[str, Declared]] = {}

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        own = {name: member for name, member in vars(cls).items() if isinstance(member, Declared) and name != "extra"}
        cls.declared = {**cls.declared, **own}

    @classmethod
    def declared_parameters(cls) -> dict[str, Parameter]:
        return {name: member for name, member in cls.declared.items() if isinstance(member, Parameter)}

    @classmethod
    def declared_inputs(cls) -> dict[str, Input]:
        return {name: member for name, member in cls.declared.items() if isinstance(member, Input)}


class Method(Declares):
    """A line `node.method(…)`. With `single`, a later line of the same method is an error and its address part is
    the method's own name."""

    method: ClassVar[str]
    single: ClassVar[bool] = False

    @classmethod
    def present(cls, given: Iterable[str]) -> dict[str, Parameter]:
        """The parameters that a line has when these are written in it (all of them, if nothing else is said)."""
        return cls.declared_parameters()

    @classmethod
    def meant(cls, name: str, lists: bool) -> str:
        """The parameter that an argument of this name gives. lists: a list, or text, stands there, not a number."""
        return name


@dataclass(frozen=True, slots=True)
class MethodLine:
    """A method line of a node, as `setup` sees it: its part of an address, its method, the arguments and the inputs
    written in it."""

    name: str
    method: str
    given: tuple[str, ...]


class Node(Declares):
    """Base of node types. `word` is its name in the language, `makes` what it can be asked for."""

    word: ClassVar[str]
    makes: ClassVar[tuple[str, ...]] = ("image",)
    is_output: ClassVar[bool] = False
    """True: what it renders leaves the patch, as uint8 [H, W, 4]. Only such a node may stand on a line of its own. It
    declares its input first and, as `Structure`, `size` ((width, height) in pixels or None), `fps` and `name`."""
    plays_network: ClassVar[bool] = False
    """True: its first parameter names a network, which `bend` lines bend; dice roll lines for such a node."""
    examples: ClassVar[tuple[str, ...]] = ()
    """Patch text that shows what the type can do (see `patch.examples`): at least one, and each of its choices."""
    needs: ClassVar[str] = ""
    """What the examples need that not every machine has: "a camera"."""
    methods: ClassVar[tuple[type[Method], ...]] = ()
    extra: ClassVar[HostValue | None] = None
    """If set, keyword arguments that are not declared are host values of this kind (the script node)."""
    remembers: ClassVar[bool] = False
    """True: what it shows is made of what it showed before, so a picture says little of it before a while."""
    captured: ClassVar[bool] = True
    """False: `render` does host work, so it splits the program into two captured parts."""
    renders_on: torch.device | None = None
    """After `setup`: where this node renders, if not on the show's own device. Its inputs are brought there."""
    bytes_per_pixel: ClassVar[int] = 260
    """Bytes that it holds at once for each pixel of its picture, roughly: measured on a CPU."""
    most_halvings: int = 0
    """After `setup`: how many times the size at which this node works inside can be halved, to be faster. What it makes
    keeps its size."""

    @classmethod
    def cost(cls, structure: Named) -> Cost:
        """What the text alone says that it will take, but for the picture that it hands on."""
        return Cost()

    def setup(self, context: SetupContext) -> None:
        """Open files, check choices, say what they will cost (`SetupContext.spend`). Raises PatchError."""

    def picture_size(self, structure: Named) -> tuple[int, int] | None:
        """After `setup`: the largest (width, height) of a picture that it makes whoever reads it; None if that follows
        from its inputs and readers."""
        return None

    def requests(self, parameters: Named, request: Request) -> dict[str, Request]:
        """What this node asks of its inputs when it is asked for `request`. `parameters`: choices and structure."""
        return {
            name: request if isinstance(request, ImageRequest) else ImageRequest()
            for name, declared in self.declared_inputs().items()
            if declared.makes == "image"
        }

    def prepare(self, context: PrepareContext) -> None:
        """Host work of one frame."""

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> Any:
        """The frame: a picture tensor, or a `Latent`."""
        raise NotImplementedError(self.word)

    def warm(self, tap: NodeTap, context: RenderContext) -> None:
        """Make what a tap needs at first use, beside a show that plays this node: nothing that the show reads or
        remembers may change."""

    def matched(self) -> Mapping[str, tuple[int, ...]]:
        """After `setup`: the number of channels of each thing that a method line reaches, so that `i` and `n` can fan
        over the things and `c` over the channels."""
        return {}

    def watched(self) -> Iterable[Path]:
        """Files whose change concerns this node."""
        return ()

    def parts(self) -> Iterable[Part]:
        """Those of the watched files that are a part of another one: whatever is done when one of them changes is done
        to that."""
        return ()

    def notice(self, path: Path) -> bool:
        """A watched file changed. True: dealt with here; False: the patch has to be built anew."""
        return False

    def taken(self) -> Any:
        """What the last frame took from a source that gives something else the next time: a camera's picture, the late
        frame of a film, a file that is being edited. Plain data, or a picture as uint8 [H, W, 4]; None for nothing. A
        take keeps it, so that a replay can `give` it."""
        return None

    def give(self, what: Any) -> None:
        """Use this from the coming frame on, and do not look at the source. It is what `taken` gave when that frame was
        first made; a replay calls this."""
