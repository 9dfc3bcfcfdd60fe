"""`ganzfeld osc --listen`: what arrives at a port, as it arrives."""

from __future__ import annotations

import contextlib
import queue
import time
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from ganzfeld.cli._terminal import console
from ganzfeld.errors import nearest
from ganzfeld.signals.osc import OscReceiver
from ganzfeld.signals.osc_packets import Message, Unread

if TYPE_CHECKING:
    from ganzfeld.values.addresses import Address

LOOK_EVERY = 0.1
"""Seconds between looks at what has arrived."""
MOST_ADDRESSES = 4096
"""That are counted; a stranger may send to ever new ones: then the one that has been silent longest goes."""


class _Arrivals:
    """How often messages came to one address, and with what arguments last."""

    def __init__(self) -> None:
        self.count = 0
        self.arguments: tuple[Any, ...] = ()
        self.times: list[float] = []

    def add(self, arguments: tuple[Any, ...], now: float) -> None:
        self.count, self.arguments = self.count + 1, arguments
        self.times = [at for at in self.times if now - at < 1] + [now]

    def rate(self, now: float) -> int:
        return sum(now - at < 1 for at in self.times)


class _NoShow:
    """Takes what the receiver would give to a show, and drops it."""

    def set(self, address: str, value: Any) -> None: ...

    def hit(self, address: str, *arguments: Any, **named: Any) -> None: ...

    def counts_hits(self, address: str) -> bool:
        return False


def monitor(host: str, port: int, seconds: float | None, rows: list[Address]) -> None:
    """Show what arrives at a UDP port, until Ctrl-C or for so many seconds.

    At a terminal: a table that is drawn anew. Else: a line for each message, and the counts at the end.
    rows: the addresses of a patch, to say what a message reaches.
    """
    out = console()
    arrived: queue.SimpleQueue[Message | Unread] = queue.SimpleQueue()
    known = {row.address: row for row in rows}
    seen: dict[str, _Arrivals] = {}
    began = time.monotonic()
    with OscReceiver(_NoShow(), host=host, port=port, listener=arrived.put, drops=arrived.put) as receiver:
        out.print(f"Listening at {host}, UDP port {receiver.port}. Ctrl-C stops.", markup=False)
        out.file.flush()
        live = Live(console=out, auto_refresh=False) if out.is_terminal else None
        with live or contextlib.nullcontext(), contextlib.suppress(KeyboardInterrupt):
            while seconds is None or time.monotonic() - began < seconds:
                with contextlib.suppress(queue.Empty):
                    while True:
                        message = arrived.get_nowait()
                        now = time.monotonic()
                        if isinstance(message, Message):
                            _count(message, now, seen)
                        if live is None:
                            out.print(f"{now - began:9.3f}  {_line(message)}", markup=False)
                if live is not None:
                    live.update(_table(seen, known, receiver), refresh=True)
                out.file.flush()
                time.sleep(LOOK_EVERY)
    out.print(
        f"{receiver.received} messages at {len(seen)} addresses; {receiver.dropped} that could not be read, "
        f"{receiver.astray} with a time far off"
    )


def _count(message: Message, now: float, seen: dict[str, _Arrivals]) -> None:
    """Count a message. The address that it came to is the last in `seen` then."""
    arrivals = seen.pop(message.address, None) or _Arrivals()
    if len(seen) >= MOST_ADDRESSES:
        del seen[next(iter(seen))]
    seen[message.address] = arrivals
    arrivals.add(message.arguments, now)


def _line(message: Message | Unread) -> str:
    if isinstance(message, Unread):
        return f"dropped  {message}"
    return f"{message.address}  {_said(message.arguments)}"


def _table(seen: dict[str, _Arrivals], known: dict[str, Address], receiver: OscReceiver) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("address", "value", "a second", "in all", "reaches"):
        table.add_column(heading, justify="right" if heading in ("a second", "in all") else "left")
    now = time.monotonic()
    for address in sorted(seen):
        one = seen[address]
        reaches = _reaches(address, known)
        said = Text(_said(one.arguments))
        table.add_row(Text(address, "bold"), said, str(one.rate(now)), str(one.count), Text(reaches))
    if receiver.last_dropped is not None:
        why = Text(f"last: {receiver.last_dropped}")
        table.add_row(Text("could not be read", "red"), why, "", str(receiver.dropped), "")
    return table


def _reaches(address: str, known: dict[str, Address]) -> str:
    if not known:
        return ""
    row = known.get(address)
    if row is None:
        return "nothing in this patch. " + nearest(address, known)
    return row.doc if row.kind == "read" else f"{row.kind} {row.range}".strip()


def _said(arguments: tuple[Any, ...]) -> str:
    """Arguments as one would write them."""
    words = [f"{value:.6g}" if isinstance(value, float) else repr(value) for value in arguments]
    return " ".join(words)[:200]
