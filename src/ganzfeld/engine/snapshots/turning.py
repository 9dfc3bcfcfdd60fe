"""Which values of a patch's slots a snapshot keeps, and what a slot is turned to for one that was kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ganzfeld.engine.snapshots.bank import Kept
from ganzfeld.errors import PatchError
from ganzfeld.patch.mixing import FREE, mix

if TYPE_CHECKING:
    from ganzfeld.patch.graph import Slot

MISFIT = object()
"""Stands for a kept value that its slot does not take any more."""


def target_of(slot: Slot, value: Kept) -> Any:
    """What a slot is turned to for a kept value: the value, FREE for the text's own, or MISFIT."""
    if value is None:
        return FREE
    try:
        admitted = slot.admit(value)
    except PatchError:
        return MISFIT
    # A constant that its text has, too, is the text's again: nothing has to hold it there.
    if slot.expression is None and slot.knob is None and admitted == slot.initial:
        return FREE
    return admitted


def can_turn(slot: Slot) -> bool:
    """Whether a hand could turn it to anything else: a file or layer that the text names alone is the text's."""
    return slot.kind != "choice" or len(slot.candidates) > 1 or bool(getattr(slot.parameter, "options", None))


def mixed(slot: Slot, parts: Iterable[tuple[float, Any]]) -> Any:
    """Values of a slot as one, each with its share (see `mix`)."""
    return mix(parts, getattr(slot.parameter, "period", None), slot.kind == "choice")


def fits(slot: Slot, value: Any) -> bool:
    """Whether a value is plain, and one that a hand could turn the slot to (of what fans over matches: one for all)."""
    if isinstance(value, list | tuple):
        return getattr(slot.parameter, "vector", False) and all(math.isfinite(item) for item in value)
    return isinstance(value, str | bool) or (isinstance(value, int | float) and math.isfinite(value))
