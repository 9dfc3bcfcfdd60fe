"""`ganzfeld examples`: the patches that ship with Ganzfeld."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def examples(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the patches that ship with Ganzfeld."""
    from rich.table import Table
    from rich.text import Text

    from ganzfeld.cli._terminal import console
    from ganzfeld.patch import library

    found = library.examples()
    if as_json:
        listed = [{"name": each.name, "title": each.title} for each in found]
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for each in found:
        table.add_row(Text(each.name, "bold"), Text(each.title))
    console().print(table)
    console().print("Play one: ganzfeld play organ. Make it yours: ganzfeld new my-show --example organ", markup=False)
