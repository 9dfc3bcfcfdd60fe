"""Exponential backoff: what failed is tried again after pauses that grow."""

from __future__ import annotations


class Backoff:
    """The pauses before the next attempts, in seconds: `first`, then each twice the one before, `longest` at most.

    next: the pause that the next failure brings.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self.next = first

    def pause(self) -> float:
        """An attempt failed: how long to wait before the next one."""
        pause, self.next = self.next, min(self._longest, 2 * self.next)
        return pause

    def reset(self) -> None:
        """It worked, or something has changed: the next pause is the first one again."""
        self.next = self._first
