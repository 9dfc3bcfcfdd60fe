"""A recall that was asked for, and one that is fading in: both as plain data, with how far it is at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ganzfeld.engine.snapshots.bank import Fading
from ganzfeld.patch.mixing import FREE, Mix
from ganzfeld.values.time import BEATS_PER_BAR, Moment

UNITS = {"beat": 1.0, "bar": float(BEATS_PER_BAR)}
"""Beats from one line that a recall may wait for to the next."""


@dataclass(frozen=True, slots=True)
class RecallRequest:
    """What was asked for. shares: of each snapshot; none: back to the text. due: the beat at which it begins; None:
    at once. at: the place on the pad, if it is a morph."""

    shares: dict[str, float]
    fade: Fading
    due: float | None = None
    at: tuple[float, float] | None = None

    def is_due(self, moment: Moment) -> bool:
        """Whether it begins with this frame: its beat has come, or time has jumped away from it."""
        away = (self.due or 0.0) - moment.beat
        return away <= 1e-9 or away > UNITS.get(self.fade.when, 0.0)

    @property
    def name(self) -> str | None:
        """The one snapshot that is recalled."""
        return next(iter(self.shares)) if self.at is None and self.shares else None


@dataclass(slots=True)
class Transition:
    """A request that is fading in. t, beat: when it began. ways: address → [start, target, the value given last]."""

    request: RecallRequest
    t: float
    beat: float
    ways: dict[str, list[Any]]

    def share(self, moment: Moment) -> float:
        """How far it is, 0 to 1."""
        fade = self.request.fade
        passed = moment.beat - self.beat if fade.unit == "beats" else moment.t - self.t
        # After a jump back in time there is nothing to wait for.
        if fade.length <= 0 or passed < 0 or passed >= fade.length:
            return 1.0
        return passed / fade.length


def value_out(value: Any) -> Any:
    """A turned value (a plain one, FREE or a `Mix`) as plain data."""
    if isinstance(value, Mix):
        parts = [[share, value_out(part)] for share, part in value.parts]
        return {"parts": parts, "period": value.period, "switches": value.switches}
    return {"free": True} if value is FREE else value


def value_in(data: Any) -> Any:
    """The opposite of `value_out`."""
    if not isinstance(data, dict):
        return data
    if "free" in data:
        return FREE
    return Mix(tuple((share, value_in(part)) for share, part in data["parts"]), data["period"], data["switches"])


def request_out(request: RecallRequest | None) -> list[Any] | None:
    """A request as plain data."""
    if request is None:
        return None
    return [request.shares, [request.fade.length, request.fade.unit, request.fade.when], request.due, request.at]


def request_in(data: Any) -> RecallRequest | None:
    """The opposite of `request_out`."""
    if data is None:
        return None
    shares, fade, due, at = data
    return RecallRequest(shares, Fading(*fade), due, None if at is None else (at[0], at[1]))
