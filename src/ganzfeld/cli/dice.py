"""`ganzfeld dice`: bends to try, as lines of patch text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ganzfeld.errors import GanzfeldError
from ganzfeld.seeds import seed_number

MOST = 1000


def dice(
    file: Annotated[Path, typer.Argument(metavar="NETWORK", help="A network: a shipped one's name, or a file.")],
    seed: Annotated[
        str | None, typer.Option(help="The same seed, a number or a word, rolls the same lines (default: by chance).")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=MOST, help="How many lines.")] = 5,
    node: Annotated[str, typer.Option(help="The network's name in the patch.")] = "face",
) -> None:
    """Roll bends for a network: lines to paste into a patch, to keep or to roll again.

    They fit the network's own layers and weights. A shipped network may also be blended with its relatives.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", node):
        raise GanzfeldError(f"'{node}' is not a name in a patch", hint="A letter first, then letters and digits")
    import random

    from ganzfeld.cli._terminal import opened_network
    from ganzfeld.patch.dice import relatives, roll

    network = opened_network(file)
    chosen = random.randrange(10_000) if seed is None else seed_number(seed)
    for line in roll(network, chosen, count, node=node, others=relatives(network)):
        print(line)
