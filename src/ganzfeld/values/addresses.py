"""One address of a patch as those see it who reach it from outside: over OSC, from the page, from another program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Address:
    """One address. kind: "value", "host value", "choice", "signal", "knob", or "read": an expression reads it.

    range: what it may be, in words. text: what the patch says of it, or "". default: what it is otherwise.
    low, high: what a knob spans, None where there is no range. choices: what it may be, where that can be counted.
    hits: messages there are events, not values.
    """

    address: str
    kind: str
    range: str = ""
    unit: str = ""
    default: Any = None
    text: str = ""
    doc: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    hits: bool = False
