"""The words of expressions: every name and function, registered with its signature and its documentation.

A function is one Python function with the decorator `function`, in any module of `functions/`; that folder is all
the registry reads. Its annotations say what an argument may be (`float`: a number, `str`: text, `Event`: a number of
events or a condition, `Any`), and its first parameters what it needs besides:

- `frame`: this frame's time, outside values and state;
- `key` (after `frame`): the place of this very call in the state. Such a function is *stateful*: it runs exactly once
  on every frame, whether or not the branch that it stands in is taken.

A function without either is pure: with constant arguments it is computed when the patch is compiled.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any


class Kind(Enum):
    """What is known about a value before the frame."""

    NUMBER = "a number"
    TEXT = "text"
    LIST = "a list"
    EVENT = "an event"
    SEED = "a number or a word"
    ANY = "any value"


Event = float
"""As an annotation: how many events there are on this frame, or a condition. Events are numbers above 0."""

Seed = float
"""As an annotation: a seed. A word that is written out stands for its number (`ganzfeld.seeds`)."""


class UsageError(ValueError):
    """Something a function cannot do with its arguments. `offset`: where in a text argument, in characters."""

    def __init__(self, what: str, hint: str = "", offset: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Reads:
    """A default that is read from a name of the vocabulary: `ramp(x=beat)`."""

    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gives: its kind, and every literal that it could be (None: they cannot be listed)."""

    kind: Kind
    literals: tuple | None = None


NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class FunctionParameter:
    """One parameter of a function."""

    name: str
    kind: Kind
    default: Any = NO_DEFAULT

    def __str__(self) -> str:
        if self.default is NO_DEFAULT:
            return self.name
        if isinstance(self.default, Reads):
            return f"{self.name}={self.default.name}"
        return f"{self.name}={self.default!r}"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the vocabulary.

    rest: the parameter that takes any number of further arguments, if it has one. named: takes any keywords.
    called: False for a word such as `audio.level`, written without brackets. prepare: parameters that must be written
    out, and what turns them into what the function gets, when the patch is compiled. result: what a call gives, from
    what is known of its arguments (a prepared one: the prepared object). channels: called in place of `call` where
    an argument is an array, a value for each channel; None: `call` is called for every channel. reads: the address from
    outside that a call reads, from its arguments where these are constant; None: it reads none. hits: the parameter
    that names an address whose hits are counted, or "".
    """

    name: str
    group: str
    call: Callable
    parameters: tuple[FunctionParameter, ...]
    rest: FunctionParameter | None
    named: bool
    takes_frame: bool
    stateful: bool
    called: bool
    prepare: Mapping[str, Callable[[Any], Any]]
    hits: str
    result: Callable[[Mapping[str, Any]], Result]
    channels: Callable | None
    reads: Callable[..., str] | None
    example: str
    doc: str

    @property
    def pure(self) -> bool:
        """Whether the same arguments always give the same result."""
        return not self.takes_frame

    @property
    def signature(self) -> str:
        """As one would write it: `env(event, attack=0, release=0.5)`."""
        if not self.called:
            return self.name
        listed = [str(parameter) for parameter in self.parameters]
        listed += [f"{self.rest.name}, …"] if self.rest else []
        listed += ["name=value, …"] if self.named else []
        return f"{self.name}({', '.join(listed)})"


@dataclass(frozen=True, slots=True)
class Name:
    """One plain name of the vocabulary: `t`, `beat`, `pi`. path: the way to it from the frame. value: a constant's."""

    name: str
    doc: str
    path: tuple[str, ...] = ()
    value: Any = None


NAMES: Mapping[str, Name] = {
    name.name: name
    for name in (
        Name("t", "Show time in seconds. Stands still while paused.", ("moment", "t")),
        Name("dt", "Seconds of show time since the last frame; 0 while paused.", ("moment", "dt")),
        Name("frame", "Frames since the show began; only grows.", ("moment", "frame")),
        Name("beat", "Beats since the show began, with fraction.", ("moment", "beat")),
        Name("bar", "Bars since the show began, with fraction.", ("moment", "bar")),
        Name("bpm", "Beats a minute.", ("moment", "bpm")),
        Name("i", "Which match of a glob this is, from 0.", ("i",)),
        Name("n", "How many matches the glob has.", ("n",)),
        Name("c", "The channel, from 0; only where an amount may differ from channel to channel."),
        Name("pi", "Half a turn in radians.", value=3.141592653589793),
        Name("tau", "A whole turn in radians.", value=6.283185307179586),
    )
}

_KINDS = {
    "float": Kind.NUMBER,
    "int": Kind.NUMBER,
    "str": Kind.TEXT,
    "Event": Kind.EVENT,
    "Seed": Kind.SEED,
    "Any": Kind.ANY,
}
_registry: dict[str, Function] = {}


def function(
    *,
    example: str,
    name: str | None = None,
    also: Iterable[str] = (),
    called: bool = True,
    prepare: Mapping[str, Callable[[Any], Any]] | None = None,
    hits: str = "",
    result: Result | Callable[[Mapping[str, Any]], Result] | None = None,
    channels: Callable | bool = False,
    reads: Callable[..., str] | None = None,
    doc: str | None = None,
    group: str | None = None,
) -> Callable[[Callable], Callable]:
    """Register a function of the vocabulary.

    example: an expression that uses it, for the docs; every example is run by the tests. name, doc, group: if they are
    not the Python function's own name, docstring and module. also: further names of the same function. channels: the
    same for NumPy arrays (True: itself), where calling it for each channel would be slow. The rest: see `Function`.
    """

    def register(call: Callable) -> Callable:
        given = result if result is not None else Result(Kind.NUMBER)
        for word in (name or call.__name__, *also):
            if word in _registry:
                raise ValueError(f"the vocabulary has two functions named {word!r}")
            _registry[word] = Function(
                name=word,
                group=group or call.__module__.rpartition(".")[2],
                call=call,
                called=called,
                prepare=prepare or {},
                hits=hits,
                result=given if callable(given) else (lambda _: given),
                channels=call if channels is True else channels or None,
                reads=reads,
                example=example,
                doc=doc or inspect.getdoc(call) or "",
                **_signature(call),
            )
        return call

    return register


def _signature(call: Callable) -> dict[str, Any]:
    """The part of a Function that its Python signature tells."""
    parameters = list(inspect.signature(call).parameters.values())
    takes_frame = bool(parameters) and parameters[0].name == "frame"
    stateful = takes_frame and len(parameters) > 1 and parameters[1].name == "key"
    plain, rest, named = [], None, False
    for parameter in parameters[takes_frame + stateful :]:
        kind = Kind.NUMBER if parameter.annotation is parameter.empty else _KINDS[parameter.annotation]
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = FunctionParameter(parameter.name, kind)
        elif parameter.kind is parameter.VAR_KEYWORD:
            named = True
        else:
            default = NO_DEFAULT if parameter.default is parameter.empty else parameter.default
            plain.append(FunctionParameter(parameter.name, kind, default))
    return {
        "parameters": tuple(plain),
        "rest": rest,
        "named": named,
        "takes_frame": takes_frame,
        "stateful": stateful,
    }


@cache
def known_functions() -> Mapping[str, Function]:
    """Every function of the vocabulary, by name, sorted. Those with a dot live in a namespace: `audio.level`."""
    folder = importlib.import_module("ganzfeld.patch.expressions.functions")

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return dict(sorted(_registry.items()))


@cache
def reserved_words() -> frozenset[str]:
    """Names that a patch cannot give to its signals and nodes: they mean something in every expression."""
    return frozenset(NAMES) | {name.partition(".")[0] for name in known_functions()} | {"True", "False", "None"}
