"""What is heard and played here, on its way into the mailbox: told to whoever is sent OSC, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganzfeld.signals.mailbox import Mailbox

if TYPE_CHECKING:
    from ganzfeld.signals.signals import Signals

_WITHOUT_VALUE = frozenset({"/midi/start", "/midi/continue", "/midi/stop"})


class Echo:
    """The mailbox of what is heard and played here; its events also go to whoever is sent OSC, and what is played is
    counted."""

    def __init__(self, mailbox: Mailbox, signals: Signals) -> None:
        self.counts_hits = mailbox.counts_hits
        self._mailbox, self._signals = mailbox, signals

    def set(self, address: str, value: Any) -> None:
        if address.startswith("/midi/"):
            self._signals.arrivals.heard("midi", address, value)
        self._mailbox.set(address, value)

    def hit(self, address: str, /, *arguments: Any, **named: Any) -> None:
        if address in _WITHOUT_VALUE:
            self._signals.arrivals.heard("midi", address)
        self._mailbox.hit(address, *arguments, **named)
        for sender in self._signals.senders:
            sender.hit(address, *arguments)
