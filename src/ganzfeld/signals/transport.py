"""The show's clock, turned from outside: `/transport/pause 1`, `/transport/speed 0.5`, `/transport/seek 12`."""

from __future__ import annotations

import math
from typing import Any, Protocol

from ganzfeld.errors import SignalError

PREFIX = "/transport/"
FASTEST = 100.0
"""Seconds of show time in a second, forwards."""
LATEST = 1e9
"""The last second of a show that can be jumped to."""
_WORDS = ("pause", "speed", "seek")


class TransportedShow(Protocol):
    """The show whose clock is turned; `process.supervisor.Supervisor` is one."""

    def pause(self, paused: bool = True) -> None:
        """Stop the clock, or let it go on."""
        ...

    def speed(self, speed: float) -> None:
        """Seconds of show time in a second."""
        ...

    def seek(self, t: float) -> None:
        """Jump to a second of the show."""
        ...


def turned(show: TransportedShow, address: str, value: Any) -> bool:
    """Do what an address of the transport asks for. False: it is none. Raises SignalError for what is no number."""
    word = address.removeprefix(PREFIX)
    if not address.startswith(PREFIX) or word not in _WORDS:
        return False
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise SignalError(f"{address} takes a number, not {str(value)[:40]!r}")
    match word:
        case "pause":
            show.pause(value >= 0.5)
        case "speed":
            show.speed(min(max(float(value), 0.0), FASTEST))
        case "seek":
            show.seek(min(max(float(value), 0.0), LATEST))
    return True
