"""Once a frame: every expression of a patch, in order, into one value for every address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.expressions import Expression, Frame
from ganzfeld.patch.graph import Graph, Slot
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment


class Evaluator:
    """Evaluates a graph's expressions. A failing one holds its last good value and is listed in `problems`."""

    def __init__(self, graph: Graph, matched: Mapping[str, int]) -> None:
        """`matched`: how many matches an address that fans has; its value is a list of so many."""
        self.graph, self.matched = graph, matched
        self.values: dict[str, Any] = {}
        self._references: dict[str, Any] = {}
        self.problems: dict[str, GanzfeldError] = {}
        for slot in graph.order:
            self._give(slot, slot.initial)
        self._moving = [slot for slot in graph.order if slot.expression is not None or slot.knob is not None]

    def _give(self, slot: Slot, value: Any) -> None:
        self.values[slot.address] = value
        self._references[slot.reference] = value

    def adopt(self, earlier: Evaluator) -> None:
        """Start from an earlier evaluator's values, so that an expression that fails at once holds what was shown."""
        for slot in self._moving:
            if slot.address in earlier.values:
                try:
                    self._give(slot, slot.admit(earlier.values[slot.address]))
                except PatchError:
                    continue

    def evaluate(
        self, moment: Moment, inbox: Inbox, state: dict[str, Any], turned: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """This frame's value of every address. `turned`: values held by a hand; they win over the text."""
        frame = Frame(moment, inbox, self._references, state)
        for address, value in turned.items():
            slot = self.graph.slots.get(address)
            if slot is not None:
                self._give(slot, value)
        for slot in self._moving:
            if slot.address in turned:
                continue
            try:
                if slot.expression is not None:
                    value = self._expression(slot, slot.expression, frame)
                else:
                    value = slot.admit(_knob(slot, inbox))
            except GanzfeldError as error:
                self.problems[slot.address] = error
                continue
            self._give(slot, value)
            self.problems.pop(slot.address, None)
        return self.values

    def _expression(self, slot: Slot, expression: Expression, frame: Frame) -> Any:
        if not slot.fans:
            return slot.admit(expression.evaluate(frame))
        frame.n = self.matched.get(slot.address, 1)
        values = []
        for match in range(frame.n):
            frame.i = match
            values.append(slot.admit(expression.evaluate(frame)))
        frame.i, frame.n = 0, 1
        return values

    def release(self, address: str) -> None:
        """A hand let go of a constant parameter: its text's value again."""
        slot = self.graph.slots.get(address)
        if slot is not None and slot.expression is None:
            self._give(slot, slot.initial)


def _knob(slot: Slot, inbox: Inbox) -> Any:
    knob = slot.knob
    assert knob is not None
    if knob.osc is not None and knob.osc in inbox.values:
        return inbox.values[knob.osc]
    if knob.midi is not None and (address := f"/midi/cc/{knob.midi}") in inbox.values:
        return knob.low + (knob.high - knob.low) * inbox.values[address]
    return knob.default
