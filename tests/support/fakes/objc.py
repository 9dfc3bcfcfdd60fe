"""Of PyObjC: pools, in which objects that Metal makes are let go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

depth = 0


@contextmanager
def autorelease_pool() -> Iterator[None]:
    global depth
    depth += 1
    try:
        yield
    finally:
        depth -= 1
