"""A patch as data: what the text says, before any of it is looked up or played.

`language.parser.parse` makes these from text; `Patch.from_json` makes them from a program's JSON.
Positions count lines and columns from 1, as editors do.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args

import msgspec

from ganzfeld.errors import PatchError, Where
from ganzfeld.values.arrivals import wrong_in_address
from ganzfeld.values.time import FASTEST_BPM

Literals = float | int | bool | str
TempoSource = Literal["tap", "midi", "audio", "link"]
TEMPO_SOURCES: tuple[str, ...] = get_args(TempoSource)
LONGEST_FADE = 60.0
"""Seconds that an edit of the text may cross-fade."""
HIGHEST_RATE = 1000.0
"""Frames per second that `hold` may ask for."""
LOWEST_FLOOR = -120.0
"""Decibels of full scale, as `signals.features` has it, which needs NumPy."""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Immutable base of all models. Values are checked when they are read (`checked`, `Patch.from_json`)."""


AnyModel = TypeVar("AnyModel", bound=Model)


class Span(Model, frozen=True):
    """Where a piece of the text stands; the end is exclusive."""

    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


class Term(Model, frozen=True):
    """An argument: the text of one expression, its place, and the loop variables in force there."""

    text: str
    span: Span = Span()
    constants: dict[str, Literals] = {}


class MethodModel(Model, frozen=True):
    """A line such as `face.bend("b64", rotate=40, name="spin")`. `name` is its part of an address. mute, solo: see
    `flags.LINE_FLAGS`."""

    method: str
    name: str
    arguments: dict[str, Term] = {}
    span: Span = Span()
    mute: bool = False
    solo: bool = False


class NodeModel(Model, frozen=True):
    """A node: its type, its arguments, the nodes its inputs read, the lines that call its methods. bypass, solo: see
    `flags.NODE_FLAGS`."""

    name: str
    type: str
    arguments: dict[str, Term] = {}
    inputs: dict[str, str] = {}
    methods: tuple[MethodModel, ...] = ()
    span: Span = Span()
    bypass: bool = False
    solo: bool = False


class SignalModel(Model, frozen=True):
    """A named signal: an expression that other expressions refer to."""

    name: str
    term: Term


class KnobModel(Model, frozen=True):
    """A macro for a hand: listens at `/name`, at `osc`, and at a MIDI controller "channel/number".

    curve: how the position of a control (0 to 1) spreads over low to high: a power (1: evenly, 2: finer near low), or
    "log" (each step multiplies; both ends above 0, or both below).
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    default: float = 0.0
    midi: str | None = None
    osc: str | None = None
    curve: float | Literal["log"] = 1.0
    span: Span = Span()

    def __post_init__(self) -> None:
        for field, value in (("low", self.low), ("high", self.high), ("default", self.default)):
            if not math.isfinite(value):
                raise ValueError(f"{field}: it has to be finite")
        if self.midi is not None:
            found = re.fullmatch(r"(\d{1,2})/(\d{1,3})", self.midi)
            if found is None or not 1 <= int(found[1]) <= 16 or int(found[2]) > 127:
                raise ValueError(f"midi: a controller is 'channel/number', such as '1/74', not '{self.midi}'")
            msgspec.structs.force_setattr(self, "midi", f"{int(found[1])}/{int(found[2])}")
        if self.osc is not None and (wrong_in_address(self.osc) is not None or self.osc == "/"):
            raise ValueError(f"osc: '{self.osc}' is not an address, such as '/push'")
        if self.curve == "log":
            if self.low * self.high <= 0:
                raise ValueError("A curve of 'log' has both ends above 0, or both below")
        elif not 0 < self.curve < 1e3:
            raise ValueError("A curve is a power above 0, or 'log'")


class Settings(Model, frozen=True):
    """`bpm(…)`, `swap(…)`, `hold(…)` and `audio(…)`: the tempo, when an edit lands, how many seconds it cross-fades;
    the rate that is kept at the cost of the inner size; the decibels below which sound is silence (None: not said).

    bpm: None leaves the tempo as it is (120 at the beginning). follow: what it is taken from as soon as that is heard.
    """

    bpm: float | None = 120.0
    follow: TempoSource | None = None
    swap: Literal["now", "beat", "bar"] = "now"
    fade: float = 0.0
    hold: float | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        if self.bpm is not None and not 0 < self.bpm <= FASTEST_BPM:
            raise ValueError(f"bpm: beats per minute are greater than 0, and {FASTEST_BPM:g} at most")
        if not 0 <= self.fade <= LONGEST_FADE:
            raise ValueError(f"fade: a cross-fade takes 0 to {LONGEST_FADE:g} seconds")
        if self.hold is not None and not 1 <= self.hold <= HIGHEST_RATE:
            raise ValueError(f"hold: a rate is 1 to {HIGHEST_RATE:g} frames per second")
        if self.floor is not None and not LOWEST_FLOOR <= self.floor <= 0:
            raise ValueError(f"floor: silence lies at {LOWEST_FLOOR:g} to 0 decibels")


class Patch(Model, frozen=True):
    """A whole patch.

    version: a number that tells the texts of one show from each other; 0 if none was given.
    """

    file: str | None = None
    nodes: dict[str, NodeModel] = {}
    signals: dict[str, SignalModel] = {}
    knobs: dict[str, KnobModel] = {}
    settings: Settings = Settings()
    version: int = 0

    def where(self, span: Span, address: str | None = None) -> Where:
        """The place of a piece of this patch, for an error."""
        return Where(file=self.file, line=span.line, column=span.column, address=address)

    def to_json(self) -> str:
        """The patch as JSON, for `from_json`."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Patch:
        """The patch that a JSON text holds. Raises PatchError."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise PatchError(f"This JSON is no patch: {error}", hint="`Patch.to_json` makes one") from None


_KINDS = {"float": "a number", "int": "a whole number", "str": "text", "bool": "True or False", "array": "a list"}
_PLACE = re.compile(r" - at `\$\.?([\w.]*)`$")


def checked(model: type[AnyModel], values: Mapping[str, Any]) -> AnyModel:
    """A model of values that a person wrote. Raises ValueError with a sentence that names the field."""
    try:
        return msgspec.convert(dict(values), model)
    except msgspec.ValidationError as error:
        raise ValueError(_sentence(str(error), model)) from None


def _sentence(message: str, model: type[Model]) -> str:
    """What msgspec says of a wrong value ("Expected `float | null`, got `str` - at `$.bpm`"), in plain words."""
    found = _PLACE.search(message)
    field = found[1].partition(".")[0] if found else ""
    what = _PLACE.sub("", message)
    if got := re.fullmatch(r"Expected `(\w+)[^`]*`, got `(\w+)`", what):
        return f"{field}: it is {_KINDS.get(got[1], got[1])}, not {_KINDS.get(got[2], got[2])}"
    if wrong := re.fullmatch(r"Invalid enum value (.*)", what):
        options = re.findall(r"'([^']*)'", str(typing.get_type_hints(model)[field]))
        return f"{field}: {wrong[1]} is none of {', '.join(options)}"
    return what
