"""How a show is ended from outside: Ctrl-C and the signals of the system."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

ENDS = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Polite requests to end: systemd, docker stop, a closed terminal."""


@contextlib.contextmanager
def on_signals(names: tuple[str, ...], handler: Callable[[int, Any], Any] | signal.Handlers) -> Iterator[None]:
    """Within it, the handler answers these signals, as far as this system has them. Beside the main thread nothing
    changes: whoever calls us there has signals of their own."""
    here = [getattr(signal, name) for name in names if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, handler) for number in here}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def stopped_by_signals() -> contextlib.AbstractContextManager[None]:
    """A polite request to end ends it as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    return on_signals(ENDS, interrupt)


def ignoring_interrupts() -> contextlib.AbstractContextManager[None]:
    """An impatient second Ctrl-C must not leave half of the show behind; ending takes two seconds at most."""
    return on_signals(("SIGINT",), signal.SIG_IGN)


@contextlib.contextmanager
def held_interrupts() -> Iterator[None]:
    """Within it Ctrl-C and requests to end wait until it is over, and end the show then: nothing is left half done,
    such as a terminal whose cursor is hidden."""
    came: list[int] = []
    with on_signals(("SIGINT", *ENDS), lambda number, frame: came.append(number)):
        yield
    if came:
        raise KeyboardInterrupt
