"""Work that may take long, one piece after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ganzfeld.errors import GanzfeldError

Result = TypeVar("Result")


class Turns:
    """A thread of its own does it. Whoever waits for their turn holds no thread that commands of the page need, of
    which the event loop has a handful. most: so many may wait. For one event loop, but for `close`."""

    def __init__(self, name: str, most: int) -> None:
        self._thread = ThreadPoolExecutor(1, f"studio {name}")
        self._most, self._waiting = most, 0

    async def take(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Do it when it is its turn. Raises GanzfeldError if too many wait already, and what the work raises."""
        if self._waiting >= self._most:
            raise GanzfeldError("too much is asked for at once", hint="Try again in a moment")
        self._waiting += 1
        try:
            try:
                doing = asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
            except RuntimeError:
                raise GanzfeldError("the studio ends") from None
            return await doing
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Begin nothing more. What is being done is for its owner to break off."""
        self._thread.shutdown(wait=False, cancel_futures=True)
