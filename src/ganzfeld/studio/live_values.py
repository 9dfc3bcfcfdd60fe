"""Values of a patch as they are now, for who looks at a word of its text: what `/api/values` answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ganzfeld.studio.show import StudioShow

RATE = 20.0
MOST = 32
FORGOTTEN_AFTER = 3.0
"""Seconds after which an address that nobody asks for is not reported any more."""


class LiveValues:
    """The newest values of the addresses that were asked for lately. Any thread may ask.

    The show reports values only while somebody asks: the first answer for an address may be without it.
    """

    def __init__(self, show: StudioShow) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._asked: dict[str, float] = {}
        self._values: dict[str, Any] = {}
        self._reported: frozenset[str] = frozenset()
        self._stop: Callable[[], None] = lambda: None
        self._timer: threading.Timer | None = None

    def values(self, addresses: list[str]) -> dict[str, Any]:
        """What is known of these addresses, at most `MOST` of them."""
        now = time.monotonic()
        with self._lock:
            self._asked |= dict.fromkeys(addresses[:MOST], now)
            self._look(now)
            return {address: self._values[address] for address in addresses[:MOST] if address in self._values}

    def close(self) -> None:
        """Nothing is reported any more."""
        with self._lock:
            self._asked.clear()
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        """Have just that reported that is still asked for."""
        fresh = [address for address, at in self._asked.items() if now - at < FORGOTTEN_AFTER]
        self._asked = {address: self._asked[address] for address in fresh[-MOST:]}
        wanted = frozenset(self._asked)
        if wanted != self._reported:
            self._stop()
            self._reported = wanted
            self._values = {address: value for address, value in self._values.items() if address in wanted}
            self._stop = self._show.report(sorted(wanted), RATE, self._hear) if wanted else lambda: None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wanted:
            self._timer = threading.Timer(FORGOTTEN_AFTER, self._forget)
            self._timer.daemon = True
            self._timer.start()

    def _forget(self) -> None:
        with self._lock:
            self._look(time.monotonic())

    def _hear(self, moment: object, values: Mapping[str, Any]) -> None:
        # Called by the supervisor's thread while it holds its own lock: this one must not be waited for.
        self._values |= {address: value for address, value in values.items() if address in self._reported}
