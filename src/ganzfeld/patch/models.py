"""A patch as data: what the text says, before any of it is looked up or played.

`language.parse` makes these from text; `Patch.model_validate_json` makes them from a program's JSON.
Positions count lines and columns from 1, as editors do.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ganzfeld.errors import Where

Literals = float | int | bool | str


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
    """A macro for a hand: listens at `/name`, at `osc`, and at a MIDI control "channel/number"."""

    name: str
    low: float = 0.0
    high: float = 1.0
    default: float = 0.0
    midi: str | None = None
    osc: str | None = None
    span: Span = Span()


class Settings(Model):
    """`bpm(…)` and `swap(…)`: the tempo, when an edit lands, and how many seconds it cross-fades."""

    bpm: float = Field(default=120.0, gt=0, le=1000)
    swap: Literal["now", "beat", "bar"] = "now"
    fade: float = Field(default=0.0, ge=0, le=60)


class Patch(Model):
    """A whole patch."""

    file: str | None = None
    nodes: dict[str, NodeModel] = Field(default_factory=dict)
    signals: dict[str, SignalModel] = Field(default_factory=dict)
    knobs: dict[str, KnobModel] = Field(default_factory=dict)
    settings: Settings = Settings()

    def where(self, span: Span, address: str | None = None) -> Where:
        """The place of a piece of this patch, for an error."""
        return Where(file=self.file, line=span.line, column=span.column, address=address)
