"""`ganzfeld osc`: what of a patch can be reached over OSC, and what arrives at a port."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from rich.table import Table

    from ganzfeld.patch.addresses import Address

PORT = 8000
"""Where the monitor listens unless told otherwise."""
LOOK_EVERY = 0.1
MOST_ADDRESSES = 4096
"""That are counted; a stranger may send from ever new ones."""


def osc(
    patch: Annotated[
        str | None,
        typer.Argument(
            metavar="[PATCH|NETWORK|URL]",
            help="A patch, a network, or the page of a show that plays (default: the show on this machine).",
            show_default=False,
        ),
    ] = None,
    listen: Annotated[bool, typer.Option("--listen", help="Show what arrives at a port, as it arrives.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The UDP port of --listen.")] = PORT,
    host: Annotated[str, typer.Option(help='The address to listen at; "0.0.0.0" for the whole network.')] = "127.0.0.1",
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop listening after this long.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The table, for programs.")] = False,
) -> None:
    """List every address of a patch with its range, or watch OSC arrive."""
    if listen and patch is None:
        return _monitor(host, port, seconds, [])
    rows = _addresses(patch)
    if listen:
        return _monitor(host, port, seconds, rows)
    if as_json:
        print(json.dumps([_plain(row) for row in rows], indent=2, ensure_ascii=False))
        return None
    from ganzfeld.cli._terminal import console

    out = console()
    out.print(_table(rows))
    out.print("A message /address value turns it, within its range, and it stays turned until its own text changes.")
    out.print("/tempo/tap taps the beat, /tempo/bpm 124 sets it; /snapshot/recall dawn 2 fades to a snapshot in 2 s.")
    out.print("Every other address is a value for osc(…) and an event for hit(…).", style="dim")
    return None


def _addresses(patch: str | None) -> list[Address]:
    from ganzfeld.patch.addresses import addresses
    from ganzfeld.patch.graph import Graph
    from ganzfeld.patch.language.parser import parse

    text, file = _text(patch)
    return addresses(Graph(parse(text, file)))


def _text(patch: str | None) -> tuple[str, str | None]:
    """A patch's text, and its file if it has one."""
    from ganzfeld.cli._source import choose
    from ganzfeld.engine.player import read_patch
    from ganzfeld.studio.server import PORT as PAGE

    if patch is None:
        return _of_show(f"http://127.0.0.1:{PAGE}/", "Name a patch: ganzfeld osc organ.ganz"), None
    if patch.startswith(("http://", "https://")):
        return _of_show(patch, "Give the address that `ganzfeld play` prints"), None
    source = choose(Path(patch), None)
    if source.text is not None:
        return source.text, None
    return read_patch(source.patch or Path(patch)), str(source.patch)


def _of_show(url: str, hint: str) -> str:
    import urllib.request

    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/api/patch", timeout=5) as answer:
            return json.load(answer)["text"]
    except (OSError, ValueError, KeyError) as error:
        raise GanzfeldError(f"no show answers at {url} ({error})", hint=hint) from None


def _plain(row: Address) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("address", "kind", "range", "unit", "default", "text", "doc")}


def _table(rows: list[Address]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("address", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("range")
    table.add_column("value", overflow="fold")
    table.add_column("what it is", ratio=1)
    for row in rows:
        value = row.text or ("" if row.default is None else f"{row.default}")
        unit = f" {row.unit}" if row.unit else ""
        table.add_row(
            Text(row.address, "bold"), Text(row.kind, "dim"), f"{row.range}{unit}", Text(value), Text(row.doc, "dim")
        )
    return table


class _Seen:
    """What arrived at one address."""

    def __init__(self) -> None:
        self.count = 0
        self.arguments: tuple[Any, ...] = ()
        self.times: list[float] = []

    def add(self, arguments: tuple[Any, ...], now: float) -> None:
        self.count, self.arguments = self.count + 1, arguments
        self.times = [at for at in self.times if now - at < 1] + [now]

    def rate(self, now: float) -> int:
        return sum(now - at < 1 for at in self.times)


class _Nobody:
    """A mailbox that nobody empties."""

    def set(self, address: str, value: Any) -> None: ...

    def hit(self, address: str, *arguments: Any, **named: Any) -> None: ...

    def counts_hits(self, address: str) -> bool:
        return False


def _monitor(host: str, port: int, seconds: float | None, rows: list[Address]) -> None:
    """A table that moves at a terminal; else a line for each message, and the counts at the end."""
    import queue

    from rich.live import Live

    from ganzfeld.cli._terminal import console
    from ganzfeld.signals.osc import OscReceiver
    from ganzfeld.signals.osc_packets import Message

    out = console()
    arrived: queue.SimpleQueue[Message] = queue.SimpleQueue()
    known = {row.address: row for row in rows}
    seen: dict[str, _Seen] = {}
    began = time.monotonic()
    with OscReceiver(_Nobody(), host=host, port=port, listener=arrived.put) as receiver:
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
                            seen.setdefault(message.address, _Seen()).add(message.arguments, now)
                        if live is None:
                            out.print(
                                f"{now - began:9.3f}  {message.address}  {_said(message.arguments)}", markup=False
                            )
                if live is not None:
                    live.update(_seen(seen, known), refresh=True)
                out.file.flush()
                time.sleep(LOOK_EVERY)
    out.print(
        f"{receiver.received} messages from {len(seen)} addresses; {receiver.dropped} packets that were not OSC, "
        f"{receiver.astray} with a time far off"
    )


def _seen(seen: dict[str, _Seen], known: dict[str, Address]) -> Table:
    from rich.table import Table
    from rich.text import Text

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
        from ganzfeld.errors import nearest

        return "nothing in this patch. " + nearest(address, known)
    return row.doc if row.kind == "read" else f"{row.kind} {row.range}".strip()


def _said(arguments: tuple[Any, ...]) -> str:
    """Arguments as one would write them."""
    words = [f"{value:.6g}" if isinstance(value, float) else repr(value) for value in arguments]
    return " ".join(words)[:200]
