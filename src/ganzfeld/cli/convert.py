"""`ganzfeld convert`: a network file in our own format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzfeld.errors import OutputError, Where, explained


def convert(
    file: Annotated[Path, typer.Argument(help="A network: .pkl, .pt or .safetensors.")],
    out: Annotated[Path, typer.Argument(help="The new file, OUT.safetensors.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
) -> None:
    """Write a network as .safetensors: the same tensors and settings, in a file that cannot hold a program."""
    place = Where(file=str(out))
    if out.suffix.lower() != ".safetensors":
        raise OutputError(
            "a network is written as .safetensors", where=place, hint=f"Call it {out.with_suffix('.safetensors').name}"
        )
    if out.exists() and not overwrite:
        raise OutputError("there is such a file already", where=place, hint="Choose another name, or add --overwrite")

    from ganzfeld.cli._terminal import console
    from ganzfeld.networks.files import open_network_file, save_network_file
    from ganzfeld.networks.files.native import About
    from ganzfeld.networks.find import locate

    opened = open_network_file(locate(file))
    from ganzfeld.networks.network import Network

    network = Network.from_file(opened)
    about = About(opened.origin, opened.notes, opened.warnings)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_network_file(out, network.config.to_json(), network.tensors, about)
    except OSError as problem:
        what, hint = explained(problem)
        raise OutputError(what, where=place, hint=hint) from problem
    console().print(f"{out}: {network.kind}, {network.size_text}, {out.stat().st_size / 1e6:,.1f} MB", markup=False)
