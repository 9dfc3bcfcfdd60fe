"""Functions that remember from frame to frame.

What they remember lies in the frame's state under the key of the call: a short list that starts with the frame's
number, so that a second evaluation on the same frame changes nothing. They move by `dt`: a paused show holds them, a
jump of the clock does not reach them, and a show that runs backwards moves `lag` and `env` on at the same pace (`phase`
goes back, as it must).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganzfeld.patch.expressions.channels import channel
from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.patch.expressions.plain import plain
from ganzfeld.patch.expressions.vocabulary import Event, Kind, Result, UsageError, function

MOST_EVENTS = 1_000_000  # on one frame: a slip of the pen must not count beyond what a checkpoint can hold


def recall(frame: FrameContext, key: str, size: int) -> list | None:
    """What the call at this key remembers, or None at first. Whatever does not look like it is forgotten."""
    kept: Any = frame.state.get(key)
    return kept if kept.__class__ is list and len(kept) == size else None


def finite(value: float, function: str) -> float:
    """The value itself, or a UsageError: a NaN must never get into the state, where it would stay for ever."""
    if value - value != 0:
        raise UsageError(f"{function} was given a number without bound")
    return value


def happened(event: Event) -> bool:
    """Whether there is an event on this frame."""
    if event.__class__ is str or event.__class__ is list:
        raise UsageError("an event is a number or a condition", 'Try hit("/address"), every(1) or a comparison')
    return event > 0


def _kept(frame: FrameContext, key: str) -> tuple[str, np.ndarray | None, bool]:
    """The key under which all channels of a call keep their values, the values, and whether they are this frame's."""
    key = f"{key}/c"
    kept = recall(frame, key, 1 + len(channel(frame)))
    if kept is None:
        return key, None, False
    return key, np.array(kept[1:], np.float64), kept[0] == frame.moment.frame


def _keep(frame: FrameContext, key: str, values: np.ndarray, function: str) -> np.ndarray:
    if not np.isfinite(values).all():
        raise UsageError(f"{function} was given a number without bound")
    frame.state[key] = [frame.moment.frame, *values.tolist()]
    return values


def _phases(frame: FrameContext, key: str, rate: np.ndarray) -> np.ndarray:
    key, kept, now = _kept(frame, key)
    if kept is None:
        return _keep(frame, key, np.zeros(len(rate)), "phase")
    return kept if now else _keep(frame, key, kept + rate * frame.moment.dt, "phase")


def _lags(frame: FrameContext, key: str, x: Any, seconds: Any) -> np.ndarray:
    key, kept, now = _kept(frame, key)
    if now and kept is not None:
        return kept
    x, seconds = np.broadcast_to(x, len(channel(frame))), np.asarray(seconds, np.float64)
    if kept is None:
        return _keep(frame, key, x.astype(np.float64), "lag")
    share = -np.expm1(-math.log(10) * abs(frame.moment.dt) / np.where(seconds > 0, seconds, 1))
    return _keep(frame, key, np.where(seconds > 0, kept + (x - kept) * share, x), "lag")


@function(example="phase(0.1)", channels=_phases)
def phase(frame: FrameContext, key: str, rate: float) -> float:
    """Grows by `rate` each second, from 0. Editing the rate bends the motion and never makes it jump."""
    now = frame.moment.frame
    kept = recall(frame, key, 2)
    if kept is None:
        value = 0.0
    elif kept[0] == now:
        return kept[1]
    else:
        value = finite(kept[1] + rate * frame.moment.dt, "phase")
    frame.state[key] = [now, value]
    return value


@function(example="lag(square(beat), 0.3)", channels=_lags)
def lag(frame: FrameContext, key: str, x: float, seconds: float) -> float:
    """Follows x, slowly: after `seconds` it has gone 90 % of the way. The same at every frame rate."""
    now = frame.moment.frame
    kept = recall(frame, key, 2)
    if kept is not None and kept[0] == now:
        return kept[1]
    if kept is None or seconds <= 0:
        value = finite(float(x), "lag")
    else:
        share = -math.expm1(-math.log(10) * abs(frame.moment.dt) / seconds)
        value = finite(kept[1] + (x - kept[1]) * share, "lag")
    frame.state[key] = [now, value]
    return value


def _same_as_x(arguments: Mapping[str, Any]) -> Result:
    return Result(arguments["x"].kind, arguments["x"].literals)


@function(example="hold(wander(t), every(1))", result=_same_as_x)
def hold(frame: FrameContext, key: str, x: Any, when: Event) -> Any:
    """Takes the value of x on the first frame and at each event, and holds it in between."""
    kept = recall(frame, key, 1)
    if kept is None or happened(when):
        frame.state[key] = [plain(x)]
        return x
    return kept[0]


@function(example='env(hit("/drum/kick"), 0, 0.4)')
def env(frame: FrameContext, key: str, event: Event, attack: float = 0, release: float = 0.5) -> float:
    """An envelope: each event sends it from where it is up to 1 within `attack` seconds, then down to 0 in `release`.

    Straight lines: square it for a sharper fall. While a condition stays true it stays at 1.
    """
    now = frame.moment.frame
    level, rising = 0.0, False
    kept = recall(frame, key, 3)
    if kept is not None:
        if kept[0] == now:
            return kept[1]
        level, rising = kept[1], kept[2]
    again = happened(event)
    left = abs(frame.moment.dt)
    if rising:
        to_the_top = (1.0 - level) * attack if attack > 0 else 0.0
        if left < to_the_top:
            level, left = level + left / attack, 0.0
        else:
            level, left = 1.0, left - to_the_top
            rising = again
    if not rising and left > 0:
        level = max(0.0, level - left / release) if release > 0 else 0.0
    if again:
        rising = True
        if attack <= 0:
            level = 1.0
    frame.state[key] = [now, finite(level, "env"), rising]
    return level


def _events_now(event: Event, before: bool) -> tuple[int, bool]:
    """How many events there are, given whether a condition was true before: a condition counts when it turns true."""
    true = happened(event)
    if event is True or event is False:
        return int(true and not before), true
    return (max(1, int(min(event, MOST_EVENTS))) if true else 0), true


@function(example='count(hit("/pad/1"))')
def count(frame: FrameContext, key: str, event: Event) -> int:
    """How many events there have been. A condition counts each time it turns true."""
    now = frame.moment.frame
    kept = recall(frame, key, 3) or [None, 0, False]
    if kept[0] == now:
        return kept[1]
    new, true = _events_now(event, kept[2])
    total = kept[1] + new
    frame.state[key] = [now, total, true]
    return total


@function(example='toggle(hit("/pad/1"))', result=Result(Kind.NUMBER, (0, 1)))
def toggle(frame: FrameContext, key: str, event: Event) -> int:
    """0 at first; each event turns it to 1 or back to 0. A condition counts each time it turns true."""
    now = frame.moment.frame
    kept = recall(frame, key, 3) or [None, 0, False]
    if kept[0] == now:
        return kept[1]
    new, true = _events_now(event, kept[2])
    value = (kept[1] + new) % 2
    frame.state[key] = [now, value, true]
    return value
