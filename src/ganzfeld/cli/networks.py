"""`ganzfeld networks`: what ships with Ganzfeld."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def networks(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the networks that ship with Ganzfeld, by the names that a patch calls them."""
    from rich.table import Table
    from rich.text import Text

    from ganzfeld.cli._terminal import console
    from ganzfeld.networks.shipped import SHIPPED

    if as_json:
        listed = [
            {
                "name": network.name,
                "description": network.description,
                "size": network.size,
                "path": str(network.path),
                "thumbnail": str(network.thumbnail),
                "credit": network.credit,
                "licence": network.licence,
            }
            for network in SHIPPED.values()
        ]
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = Table.grid(padding=(0, 2, 1, 0))
    for network in SHIPPED.values():
        about = Text(network.description)
        about.append(f"\n{network.credit}; {network.licence}", "dim")
        about.append(f"\n{network.path}\n{network.thumbnail}", "dim")
        table.add_row(Text(network.name, "bold"), Text(f"{network.size / 1e6:.1f} MB"), about)
    console().print(table)
    console().print('Play one: ganzfeld play planets, or network("planets") in a patch')
