"""Ableton Link: one tempo and one bar with every program in the local network that has it.

Through aalink, which is GPL and therefore an extra of its own.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ganzfeld.errors import SignalError
from ganzfeld.signals.pulse import Beat

BEATS = 4.0
"""What programs in a session agree on is the place in a bar, Link's "quantum"."""


class LinkSession:
    """Joins the session, from `start` to `stop`. It only listens: it never changes the others' tempo.

    library: speaks as aalink does. `start` raises SignalError if aalink is not here.
    """

    def __init__(self, library: Any = None) -> None:
        self._library = library
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: Any = None

    def start(self) -> LinkSession:
        """Join."""
        if self._link is None:
            library = self._library or aalink()
            self._loop = asyncio.new_event_loop()
            # It asks for the event loop that runs, for callbacks that we do not use.
            self._link = self._loop.run_until_complete(_join(library))
        return self

    def stop(self) -> None:
        """Leave."""
        if self._link is not None:
            self._link.enabled = False
            self._link = None
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    @property
    def peers(self) -> int:
        """How many others there are."""
        return self._link.num_peers if self._link is not None else 0

    def beat(self, now: float) -> Beat | None:
        """The session's beat; None while nobody else is in it."""
        link = self._link
        if link is None or not link.num_peers:
            return None
        since = time.perf_counter() - now
        return Beat(link.tempo, link.beat - since * link.tempo / 60, BEATS)


def aalink() -> Any:
    """The package. Raises SignalError with what to install."""
    try:
        import aalink  # pyright: ignore[reportMissingImports]
    except ImportError:
        hint = 'In the folder of Ganzfeld: pip install -c constraints.txt ".[link]"'
        raise SignalError("Ableton Link needs the package aalink", hint=hint) from None
    return aalink


async def _join(library: Any) -> Any:
    link = library.Link(120.0)
    link.quantum = BEATS
    link.enabled = True
    return link
