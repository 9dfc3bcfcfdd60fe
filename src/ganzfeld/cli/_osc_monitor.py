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
from ganzfeld.signals.osc_packets import Message

if TYPE_CHECKING:
    from ganzfeld.patch.addresses import Address

LOOK_EVERY = 0.1
"""Seconds between looks at what has arrived."""
MOST_ADDRESSES = 4096
"""That are counted; a stranger may send from ever new ones."""


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
    arrived: queue.SimpleQueue[Message] = queue.SimpleQueue()
    known = {row.address: row for row in rows}
    seen: dict[str, _Arrivals] = {}
    began = time.monotonic()
    with OscReceiver(_NoShow(), host=host, port=port, listener=arrived.put) as receiver:
        out.print(f"Listening at {host}, UDP port {receiver.port}. Ctrl-C stops.", markup=False)
        out.file.flush()
        live = Live(console=out, auto_refresh=False) if out.is_terminal else None
        with live or contextlib.nullcontext(), contextlib.suppress(KeyboardInterrupt):
            while seconds is None or time.monotonic() - began < seconds:
                with contextlib.suppress(queue.Empty):
                    while True:
                        message = arrived.get_nowait()
                        now = time.monotonic()
                        if message.address in seen or len(seen) < MOST_ADDRESSES:
                            seen.setdefault(message.address, _Arrivals()).add(message.arguments, now)
                        if live is None:
                            out.print(
                                f"{now - began:9.3f}  {message.address}  {_said(message.arguments)}", markup=False
                            )
                if live is not None:
                    live.update(_table(seen, known), refresh=True)
                out.file.flush()
                time.sleep(LOOK_EVERY)
    out.print(
        f"{receiver.received} messages from {len(seen)} addresses; {receiver.dropped} packets that were not OSC, "
        f"{receiver.astray} with a time far off"
    )


def _table(seen: dict[str, _Arrivals], known: dict[str, Address]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("address", "value", "a second", "in all", "reaches"):
        table.add_column(heading, justify="right" if heading in ("a second", "in all") else "left")
    now = time.monotonic()
    for address in sorted(seen):
        one = seen[address]
        reaches = _reaches(address, known)
        table.add_row(Text(address, "bold"), _said(one.arguments), str(one.rate(now)), str(one.count), Text(reaches))
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
