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
    such as a terminal whose cursor is hidden. A second one does not wait: whoever reads what we write may have stopped.
    Signals that are ignored, as in the background of a shell, stay so."""
    came: list[int] = []

    def hold(number: int, frame: object) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt

    with on_signals(tuple(filter(_answers, ("SIGINT", *ENDS))), hold):
        yield
    if came:
        raise KeyboardInterrupt


def _answers(name: str) -> bool:
    """Whether this system has the signal, and does not ignore it now."""
    number = getattr(signal, name, None)
    return number is not None and signal.getsignal(number) is not signal.SIG_IGN
