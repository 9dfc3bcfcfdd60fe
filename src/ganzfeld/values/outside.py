"""Values and events that come from outside: OSC, MIDI, sound, a script, the studio.

Values: the newest wins. Events: every one is counted, even ten within a frame. Writers are threads; the
engine takes one consistent `Inbox` at the start of each frame. All that comes in is checked here (`values.arrivals`):
what reads an inbox meets plain values only, so that no message can make a frame fail.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganzfeld.values.arrivals import arrived, arrived_all

RESERVED = ("/audio/", "/midi/")
"""Addresses of sources that are not OSC: "/audio/level", "/audio/band/3", "/midi/cc/1/74", "/midi/note/1/60"."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One event: a pad, a drum message, a note. `arguments` are its OSC arguments by position and by name."""

    address: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What arrived until this frame: the newest value of every address, and this frame's hits in order.

    Addresses start with "/". Sources that are not OSC use `RESERVED` ones.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()

    def value(self, address: str, default: Any = 0.0) -> Any:
        """The newest value at an address."""
        return self.values.get(address, default)


class Outside:
    """The mailbox between the threads that receive and the frame that reads.

    It holds `most_addresses` values, because a sender of ever new addresses must not fill the memory of an installation
    that runs for weeks: beyond that, the values that came longest ago go, but never one at an address of `read_by`.
    dropped: values and events for which there was no room.
    """

    most_addresses = 4096
    most_hits = 4096

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        self._came: dict[str, int] = {}  # address → when its value came, as a number that grows
        self._count = 0
        self._read: frozenset[str] = frozenset()
        self._hits: list[Hit] = []
        self.dropped = 0

    def read_by(self, addresses: Iterable[str]) -> None:
        """The patch that plays reads these addresses: their values stay, whatever else comes."""
        self._read = frozenset(addresses)

    def set(self, address: str, value: Any) -> None:
        """The newest value of an address. One that is not plain (see `values.arrivals`) is passed over: the one before
        it stays."""
        value = arrived(value)
        if value is None:
            return
        with self._lock:
            self._count += 1
            self._came[address] = self._count
            self._values[address] = value
            if len(self._values) > self.most_addresses:
                self._make_room()

    def _make_room(self) -> None:
        """Let the oldest go that nobody reads, an eighth at once: looking for them takes as long as all are many."""
        oldest = sorted(
            (address.startswith(RESERVED), came, address)
            for address, came in self._came.items()
            if address not in self._read
        )
        for _, _, address in oldest[: max(1, self.most_addresses // 8)]:
            del self._values[address], self._came[address]
            self.dropped += 1

    def hit(self, address: str, /, *arguments: Any, **named: Any) -> None:
        """Count one event. Arguments that are not plain (see `values.arrivals`) are None."""
        kept = Hit(address, arrived_all(arguments), {name: arrived(value) for name, value in named.items()})
        with self._lock:
            if len(self._hits) < self.most_hits:
                self._hits.append(kept)
            else:
                self.dropped += 1

    def waits(self, *prefixes: str) -> bool:
        """Whether an event at an address that begins so has come and not been taken yet."""
        with self._lock:
            return any(hit.address.startswith(prefixes) for hit in self._hits)

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
