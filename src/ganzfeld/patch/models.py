"""A patch as data: what the text says, before any of it is looked up or played.

`language.parse` makes these from text; `Patch.model_validate_json` makes them from a program's JSON.
Positions count lines and columns from 1, as editors do.
"""

from __future__ import annotations

import math
import re
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ganzfeld.errors import Where
from ganzfeld.values.time import FASTEST_BPM

Literals = float | int | bool | str
TempoSource = Literal["tap", "midi", "audio", "link"]
TEMPO_SOURCES: tuple[str, ...] = get_args(TempoSource)


class Model(BaseModel):
    """Strict, immutable base of all models."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Model):
    """Where a piece of the text stands; the end is exclusive."""

    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


class Term(Model):
    """An argument: the text of one expression, its place, and the loop variables in force there."""

    text: str
    span: Span = Span()
    constants: dict[str, Literals] = Field(default_factory=dict)


class MethodModel(Model):
    """A line such as `face.bend("b64", rotate=40, name="spin")`. `name` is its part of an address."""

    method: str
    name: str
    arguments: dict[str, Term] = Field(default_factory=dict)
    span: Span = Span()


class NodeModel(Model):
    """A node: its type, its arguments, the nodes its inputs read, the lines that call its methods."""

    name: str
    type: str
    arguments: dict[str, Term] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    methods: tuple[MethodModel, ...] = ()
    span: Span = Span()


class SignalModel(Model):
    """A named signal: an expression that other expressions refer to."""

    name: str
    term: Term


class KnobModel(Model):
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

    @field_validator("low", "high", "default")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("it has to be finite")
        return value

    @field_validator("midi")
    @classmethod
    def _controller(cls, value: str | None) -> str | None:
        found = re.fullmatch(r"(\d{1,2})/(\d{1,3})", value) if value is not None else None
        if value is not None and not (found and 1 <= int(found[1]) <= 16 and int(found[2]) <= 127):
            raise ValueError(f"a controller is written as 'channel/number', such as '1/74', not '{value}'")
        return f"{int(found[1])}/{int(found[2])}" if found else None

    @field_validator("osc")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"/[^\s#*,?\[\]{}]+", value):
            raise ValueError(f"'{value}' is not an address, such as '/push'")
        return value

    @model_validator(mode="after")
    def _bent(self) -> KnobModel:
        if self.curve == "log":
            if self.low * self.high <= 0:
                raise ValueError("a curve of 'log' has both ends above 0, or both below")
        elif not 0 < self.curve < 1e3:
            raise ValueError("a curve is a power above 0, or 'log'")
        return self


class Settings(Model):
    """`bpm(…)`, `swap(…)` and `hold(…)`: the tempo, when an edit lands, and how many seconds it cross-fades; the rate
    that is kept at the cost of the inner size.

    bpm: None leaves the tempo as it is (120 at the beginning). follow: what it is taken from as soon as that is heard.
    """

    bpm: float | None = Field(default=120.0, gt=0, le=FASTEST_BPM)
    follow: TempoSource | None = None
    swap: Literal["now", "beat", "bar"] = "now"
    fade: float = Field(default=0.0, ge=0, le=60)
    hold: float | None = Field(default=None, ge=1, le=1000)


class Patch(Model):
    """A whole patch. version: which of a show's texts it was read from, counted from 1; 0: no show's."""

    file: str | None = None
    version: int = Field(default=0, exclude=True)
    nodes: dict[str, NodeModel] = Field(default_factory=dict)
    signals: dict[str, SignalModel] = Field(default_factory=dict)
    knobs: dict[str, KnobModel] = Field(default_factory=dict)
    settings: Settings = Settings()

    def where(self, span: Span, address: str | None = None) -> Where:
        """The place of a piece of this patch, for an error."""
        return Where(file=self.file, line=span.line, column=span.column, address=address)
