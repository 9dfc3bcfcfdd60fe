"""`ganzfeld osc`: what of a patch can be reached over OSC, and what arrives at a port."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from rich.table import Table

    from ganzfeld.values.addresses import Address

PORT = 8000
"""Where --listen listens unless told otherwise."""


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
    rows = [] if listen and patch is None else _addresses(patch)
    if listen:
        from ganzfeld.cli._osc_monitor import monitor

        monitor(host, port, seconds, rows)
    elif as_json:
        print(json.dumps([_plain(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        _show(rows)


def _show(rows: list[Address]) -> None:
    from ganzfeld.cli._terminal import console

    out = console()
    out.print(_table(rows))
    out.print("A message /address value turns it, within its range, and it stays turned until its own text changes.")
    out.print("/tempo/tap taps the beat, /tempo/bpm 124 sets it; /snapshot/recall dawn 2 fades to a snapshot in 2 s.")
    out.print("Every other address is a value for osc(…) and an event for hit(…).", style="dim")


def _addresses(patch: str | None) -> list[Address]:
    from ganzfeld.patch.addresses import addresses
    from ganzfeld.patch.graph import Graph
    from ganzfeld.patch.language.parser import parse

    text, file = _text(patch)
    return addresses(Graph(parse(text, file)))


def _text(patch: str | None) -> tuple[str, str | None]:
    """A patch's text, and its file if it has one."""
    from ganzfeld.cli._source import choose
    from ganzfeld.patch.text_file import read_text_file
    from ganzfeld.studio.server import PORT as PAGE

    if patch is None:
        return _of_show(f"http://127.0.0.1:{PAGE}/", "Name a patch: ganzfeld osc organ.ganz"), None
    if patch.startswith(("http://", "https://")):
        return _of_show(patch, "Give the address that `ganzfeld play` prints"), None
    source = choose(Path(patch), None)
    if source.text is not None:
        return source.text, None
    return read_text_file(source.patch or Path(patch)), str(source.patch)


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
