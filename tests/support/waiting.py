"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0
LOOK_SECONDS = 0.01


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The condition's first true value. Fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(LOOK_SECONDS)
    return result
