"""`ganzfeld links`: the links by which others come to a show."""

from __future__ import annotations

from typing import Annotated

import typer


def links(
    new: Annotated[
        bool,
        typer.Option("--new", help="Take all links back and make new ones, also for shows that run now."),
    ] = False,
) -> None:
    """Show what ganzfeld play --host adds to its address for each role, or take it back."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.studio.links import ROLES, Links
    from ganzfeld.studio.visitors import IN_ADDRESS

    kept = Links()
    if new:
        kept.renew()
        console().print("The links are new. Who came by an old one is shown out within a second or two.")
    for role in ROLES:
        path = "output" if role == "output" else ""
        console().print(f"{role:6}  /{path}?{IN_ADDRESS}={kept.token(role)}", markup=False, highlight=False)
