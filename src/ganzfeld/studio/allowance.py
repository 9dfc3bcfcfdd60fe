"""How much a connection may say: so many messages and bytes a second in the long run, more for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable

from ganzfeld.studio import limits


class Budget:
    """Bytes that several may use together: `rate` a second in the long run, `burst` for a moment."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left, self._at = burst, clock()

    @property
    def is_spent(self) -> bool:
        """Whether there is nothing left now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left <= 0

    def spend(self, size: float) -> None:
        """Use so many; it may be more than there are, and is missing later then."""
        self._left -= size


class Allowance:
    """What one connection has left. Who says more is heard later: nothing is lost, and nobody else waits. Who goes on
    saying more is no page, and hung up on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._messages = limits.MESSAGES_AT_ONCE
        self._bytes = limits.BYTES_AT_ONCE
        self._waited = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether it has said too much for too long."""
        return self._waited > limits.MOST_WAITED

    def wait(self, size: int) -> float:
        """Seconds to wait before a message of `size` bytes is heard; it is counted."""
        now = self._clock()
        passed, self._at = now - self._at, now
        self._messages = min(self._messages + passed * limits.MESSAGES_A_SECOND, limits.MESSAGES_AT_ONCE) - 1
        self._bytes = min(self._bytes + passed * limits.BYTES_A_SECOND, limits.BYTES_AT_ONCE) - size
        wait = max(0.0, -self._messages / limits.MESSAGES_A_SECOND, -self._bytes / limits.BYTES_A_SECOND)
        self._waited = self._waited + wait if wait else 0.0
        return wait
