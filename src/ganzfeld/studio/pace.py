"""How fast a page may speak."""

from __future__ import annotations

import time


class Pace:
    """So many messages a second, and so many at once after a pause."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def allows(self) -> bool:
        """Whether one more may be heard now."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
