"""Evaluates all expressions of a patch once a frame, in order, and so gives each address its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.expressions import Expression, FrameContext
from ganzfeld.patch.graph import Graph, Slot
from ganzfeld.patch.knobs import Listener
from ganzfeld.patch.mixing import Mix
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fan:
    """An address that has more than one value: for each match of its line, for each channel of a match, or both.

    channels: the number of channels of each match. by_match, by_channel: what its expression speaks of.
    """

    channels: tuple[int, ...]
    by_match: bool
    by_channel: bool

    @property
    def length(self) -> int:
        """How many values there are: with channels alone, as many as the match with the most has."""
        if not self.by_channel:
            return len(self.channels)
        return sum(self.channels) if self.by_match else max(self.channels, default=0)

    def of(self, values: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The values [length] as `render` reads them: [matches], or by channel a tuple with one [channels] for each
        match (without `i` or `n`: the beginnings of one and the same)."""
        if not self.by_channel:
            return values
        return values.split(self.channels) if self.by_match else tuple(values[:count] for count in self.channels)


def fan(slot: Slot, channels: tuple[int, ...]) -> Fan | None:
    """How a slot fans over matches with so many channels; None: it has a single value."""
    return Fan(channels, slot.fans, slot.has_channels) if slot.fans or slot.has_channels else None


class Evaluator:
    """Evaluates a graph's expressions. A failing one holds its last good value and is listed in `problems`."""

    def __init__(self, graph: Graph, matched: Mapping[str, Fan]) -> None:
        """`matched`: the addresses that fan. By matches alone, a value is a list, by channels a float64 array."""
        self.graph, self.matched = graph, matched
        self.values: dict[str, Any] = {}
        self._references: dict[str, Any] = {}
        self._said: dict[str, float] = {}
        self.problems: dict[str, GanzfeldError] = {}
        for slot in graph.order:
            self._give(slot, slot.initial)
        self._knobs = {slot.address: Listener(slot) for slot in graph.order if slot.knob is not None}
        self._moving = [slot for slot in graph.order if slot.expression is not None or slot.knob is not None]

    def _give(self, slot: Slot, value: Any) -> None:
        self.values[slot.address] = value
        self._references[slot.reference] = value

    def adopt(self, earlier: Evaluator) -> None:
        """Start from an earlier evaluator's values, so that an expression that fails at once holds what was shown."""
        for slot in self._moving:
            fan = self.matched.get(slot.address)
            if fan is not None:
                if fan == earlier.matched.get(slot.address):
                    self._give(slot, earlier.values[slot.address])
            elif slot.address in earlier.values:
                try:
                    self._give(slot, slot.admit(earlier.values[slot.address]))
                except PatchError:
                    continue

    def held(self) -> dict[str, Any]:
        """What failing expressions hold, as plain data."""
        values = {address: self.values[address] for address in self.problems}
        return {address: v.tolist() if isinstance(v, np.ndarray) else v for address, v in values.items()}

    def hold(self, values: Mapping[str, Any]) -> None:
        """Hold what failing expressions held when a checkpoint was made."""
        for slot in self._moving:
            value = values.get(slot.address)
            if value is not None and (slot.fans or slot.has_channels) == isinstance(value, list):
                self._give(slot, np.array(value, np.float64) if slot.has_channels else value)

    def evaluate(
        self, moment: Moment, inbox: Inbox, state: dict[str, Any], turned: dict[str, Any]
    ) -> Mapping[str, Any]:
        """This frame's value of every address.

        turned: values held by a hand (or a `Mix` of them and of what the text says); they win over the text. A control
        that moves takes its knob from the hand that held it: then it is removed from here.
        """
        frame = FrameContext(moment, inbox, self._references, state)
        for slot in self._moving:
            if slot.knob is not None:
                self._listen(slot, inbox, state, turned)
        for address, value in turned.items():
            slot = self.graph.slots.get(address)
            if slot is not None:
                if not isinstance(value, Mix):
                    self._give(slot, value)
                elif slot.expression is None and slot.knob is None:
                    self._give(slot, value.value(slot.initial))
        for slot in self._moving:
            held = turned.get(slot.address)
            if isinstance(held, Mix):
                if not held.has_free:
                    self._give(slot, held.value(None))
                    continue
            elif slot.address in turned:
                continue
            try:
                if slot.expression is not None:
                    value = self._expression(slot, slot.expression, frame)
                else:
                    value = self._said[slot.address]
            except GanzfeldError as error:
                self.problems[slot.address] = error
                continue
            self._give(slot, held.value(value) if isinstance(held, Mix) else value)
            if slot.knob is None:
                self.problems.pop(slot.address, None)
        return self.values

    def _listen(self, slot: Slot, inbox: Inbox, state: dict[str, Any], turned: dict[str, Any]) -> None:
        listener = self._knobs[slot.address]
        value, moved = listener.listen(inbox, state, slot.address in turned)
        self._said[slot.address] = slot.admit(value)
        if moved:
            turned.pop(slot.address, None)
        if listener.problem is not None:
            self.problems[slot.address] = listener.problem
        else:
            self.problems.pop(slot.address, None)

    def follows(self, address: str, state: Mapping[str, Any]) -> str:
        """What a knob that no hand holds follows: "midi", "osc", or "" (its text)."""
        return self._knobs[address].follows(state)

    def _expression(self, slot: Slot, expression: Expression, frame: FrameContext) -> Any:
        fan = self.matched.get(slot.address)
        if fan is None:
            return slot.admit(expression.evaluate(frame))
        if not fan.by_match:
            return slot.admit_channels(expression.evaluate_channels(frame, fan.length))
        frame.n = len(fan.channels)
        values = []
        try:
            for frame.i, channels in enumerate(fan.channels):
                if fan.by_channel:
                    values.append(slot.admit_channels(expression.evaluate_channels(frame, channels)))
                else:
                    values.append(slot.admit(expression.evaluate(frame)))
        finally:
            frame.i, frame.n = 0, 1
        return np.concatenate(values) if fan.by_channel else values

    def release(self, address: str) -> None:
        """A constant parameter is no longer turned by hand: give it the text's value again."""
        slot = self.graph.slots.get(address)
        if slot is not None and slot.expression is None:
            self._give(slot, slot.initial)
