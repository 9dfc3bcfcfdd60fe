"""Where signals go: `values.outside.Outside` in one process, the supervisor's pipe to the render in two."""

from __future__ import annotations

from typing import Any, Protocol


class Mailbox(Protocol):
    """Takes values and hits, from any thread, without waiting."""

    def set(self, address: str, value: Any) -> None:
        """The newest value of an address."""

    def hit(self, address: str, /, *arguments: Any, **named: Any) -> None:
        """Count one event."""
