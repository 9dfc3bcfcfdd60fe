"""What a check finds out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["works", "missing", "broken"]
"""missing: Ganzfeld plays without it. broken: it does not."""
Result = tuple[State, str, str]
"""The state, what was found, and what to do if it does not work ("" if nothing)."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    do: str = ""
