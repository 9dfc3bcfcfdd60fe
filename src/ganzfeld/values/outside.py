"""Values and events that come from outside: OSC, MIDI, sound, a script, the studio.

Values: the newest wins. Events: every one is counted, even ten within a frame. Writers are threads; the
engine takes one consistent `Inbox` at the start of each frame.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Hit:
    """One event: a pad, a drum message, a note. `arguments` are its OSC arguments by position and by name."""

    address: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What arrived until this frame: the newest value of every address, and this frame's hits in order.

    Addresses start with "/". Sources that are not OSC use reserved ones: "/audio/level", "/audio/band/3",
    "/midi/cc/1/74", "/midi/note/1/60".
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()

    def value(self, address: str, default: Any = 0.0) -> Any:
        """The newest value at an address."""
        return self.values.get(address, default)


class Outside:
    """The mailbox between the threads that receive and the frame that reads."""

    # A forgotten sender must not fill the memory of an installation that runs for weeks.
    most_addresses = 4096
    most_hits = 4096

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        self._hits: list[Hit] = []
        self.dropped = 0

    def set(self, address: str, value: Any) -> None:
        """The newest value of an address."""
        with self._lock:
            if address in self._values or len(self._values) < self.most_addresses:
                self._values[address] = value
            else:
                self.dropped += 1

    def hit(self, address: str, /, *arguments: Any, **named: Any) -> None:
        """Count one event."""
        with self._lock:
            if len(self._hits) < self.most_hits:
                self._hits.append(Hit(address, arguments, named))
            else:
                self.dropped += 1

    def counts_hits(self, address: str) -> bool:
        """Whether anything may count the events of this address: here every one is kept until the frame takes it."""
        return True

    def values(self) -> dict[str, Any]:
        """The newest value of every address."""
        with self._lock:
            return dict(self._values)

    def take(self) -> Inbox:
        """All values as they are now and the hits since the last call."""
        with self._lock:
            inbox = Inbox(dict(self._values), tuple(self._hits))
            self._hits.clear()
        return inbox
