"""Where signals go: `values.outside.Outside` if the engine is in this process, else the supervisor, which sends them to
the render process."""

from __future__ import annotations

from typing import Any, Protocol


class Mailbox(Protocol):
    """Takes values and hits, from any thread, without waiting."""

    def set(self, address: str, value: Any) -> None:
        """The newest value of an address."""

    def hit(self, address: str, /, *arguments: Any, **named: Any) -> None:
        """Count one event."""

    def counts_hits(self, address: str) -> bool:
        """Whether anything may count the events of this address. If nothing does, a message that carries a value is
        that value, of which only the newest has to arrive."""
        ...
