"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 90.0
LOOK_SECONDS = 0.002


def until(condition: Callable[[], Any], what: str = "it did not happen", *, seconds: float = PATIENCE) -> Any:
    """The condition's first true value. After so many seconds the test fails, with `what`."""
    result = happens(condition, seconds)
    assert result, what
    return result


def happens(condition: Callable[[], Any], seconds: float) -> Any:
    """The condition's first true value, or what it was after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return result
