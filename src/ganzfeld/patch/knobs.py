"""Knobs: where a position lies in a knob's range, and which of its controls moved last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Slot
from ganzfeld.patch.models import KnobModel
from ganzfeld.values.outside import Inbox

_OSC, _MIDI = "osc", "midi"


def value_at(knob: KnobModel, position: float) -> float:
    """A knob's value where its control stands at `position` (0 to 1)."""
    position = min(max(position, 0.0), 1.0)
    if knob.curve == "log":
        return knob.low * (knob.high / knob.low) ** position
    return knob.low + (knob.high - knob.low) * position**knob.curve


def position_of(knob: KnobModel, value: float) -> float:
    """Where a control stands (0 to 1) for a value: the inverse of `value_at`."""
    if knob.low == knob.high:
        return 0.0
    if knob.curve == "log":
        share = math.log(value / knob.low) / math.log(knob.high / knob.low) if value * knob.low > 0 else 0.0
        return min(max(share, 0.0), 1.0)
    share = min(max((value - knob.low) / (knob.high - knob.low), 0.0), 1.0)
    return share ** (1 / knob.curve)


def midi_address(knob: KnobModel) -> str | None:
    """Where the mailbox holds the position of a knob's MIDI controller."""
    return f"/midi/cc/{knob.midi}" if knob.midi else None


class Listener:
    """Hears a knob's `osc=` and `midi=`. Of the two the one that moved last is followed.

    A control *moves* when its value in the mailbox changes: TouchDesigner sends each value with each frame, and that
    must not take a knob from the hand that has just turned it. What was heard is kept in `state` under `key`, as
    [OSC address, its value, MIDI address, its value, which of them moved last or ""].
    """

    def __init__(self, slot: Slot) -> None:
        assert slot.knob is not None
        self._slot, self._knob = slot, slot.knob
        self._key = f"{slot.address} controls"
        self.problem: PatchError | None = None
        """What a control sent that no knob can take, while it does."""

    def listen(self, inbox: Inbox, state: dict[str, Any], held: bool) -> tuple[float, bool]:
        """The value that the knob's controls say, and whether one of them moved since the last frame.

        held: whether a hand holds the knob. What an OSC address holds when the knob begins to listen counts unless it
        is; a controller has to move first, or a knob would jump to where a hand left it when it was learned.
        """
        knob = self._knob
        self.problem = None
        before = state.get(self._key) or ["", None, "", None, ""]
        by, moved, heard = before[4], False, []
        for name, address, known, last in (
            (_MIDI, midi_address(knob), before[2], before[3]),
            (_OSC, knob.osc, before[0], before[1]),
        ):
            if address != known:
                last = None
            value = self._heard(inbox, address, last)
            heard.append(value)
            if value is None:
                by = "" if by == name else by
            elif last is not None:
                if value != last:
                    by, moved = name, True
            elif address == known or (name == _OSC and not held):
                by, moved = name, True
        midi, osc = heard
        now = [knob.osc or "", osc, midi_address(knob) or "", midi, by]
        if now != before:
            state[self._key] = now
        if by == _OSC and osc is not None:
            return osc, moved
        if by == _MIDI and midi is not None:
            return value_at(knob, midi), moved
        return knob.default, moved

    def follows(self, state: Mapping[str, Any]) -> str:
        """ "osc" or "midi": the control that moved last; "" if none has."""
        return state.get(self._key, [""])[-1]

    def _heard(self, inbox: Inbox, address: str | None, last: float | None) -> float | None:
        value = inbox.values.get(address) if address else None
        if value is None:
            return None
        if isinstance(value, bool | int | float) and math.isfinite(value):
            return float(value)
        what = f"{self._slot.reference} listens to {address}, where {value!r:.40} came"
        self.problem = PatchError(what, where=self._slot.where, hint="It takes one number")
        return last
