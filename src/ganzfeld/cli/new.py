"""`ganzfeld new`: a patch of one's own to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new(
    name: Annotated[
        str,
        typer.Argument(
            help="Of a folder that is made, with a patch of the same name in it; my-show.ganz: of a file alone."
        ),
    ],
    example: Annotated[
        str | None,
        typer.Option(help="The example to begin with (default: the opening).", show_default=False),
    ] = None,
) -> None:
    """Make a patch of your own out of an example."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.errors import GanzfeldError, nearest, reason_of
    from ganzfeld.patch import library
    from ganzfeld.patch.defaults import opening_patch

    text = opening_patch() if example is None else library.example_text(example)
    if text is None:
        raise GanzfeldError(f"there is no example '{example}'", hint=nearest(str(example), library.example_names()))
    wanted = Path(name)
    if wanted.suffix == ".ganz":
        made = library.new_file(wanted.name, text, wanted.parent)
        played = made
    else:
        library.checked_name(wanted.name)
        try:
            wanted.mkdir()
        except FileExistsError:
            raise GanzfeldError(f"there is {wanted} already", hint="Choose another name") from None
        except OSError as error:
            raise GanzfeldError(f"{wanted} cannot be made: {reason_of(error)}") from None
        made = library.new_file(wanted.name, text, wanted)
        played = wanted
    console().print(f"{made} is yours. Play it: ganzfeld play {played}", markup=False, highlight=False)
