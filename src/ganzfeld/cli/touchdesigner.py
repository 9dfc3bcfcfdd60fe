"""`ganzfeld touchdesigner`: a folder with everything that TouchDesigner needs to play a patch beside itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzfeld.errors import OutputError, explained

if TYPE_CHECKING:
    from ganzfeld.outputs.touchdesigner import SetUp
    from ganzfeld.patch.graph import Graph


def touchdesigner(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to write; made if it is not there.")],
    patch: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATCH]", help="A patch (.ganz) to play (default: the ancestor's).", show_default=False
        ),
    ] = None,
) -> None:
    """Write a folder for TouchDesigner: a builder script, the files of its DATs, patches, and how to use it."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.outputs.touchdesigner import ANCESTORS, ancestor_patch, write_folder

    setups = [] if patch is None else [_of_file(patch)]
    setups += [
        set_up_of(name, f"{name}.ganz", ancestor_patch(name), dict(ANCESTORS[name]))
        for name in ANCESTORS
        if not setups or name != setups[0].name
    ]
    try:
        scripts = write_folder(out, setups)
    except OSError as error:
        what, hint = explained(error)[:2]
        raise OutputError(f"the folder {out} cannot be written: {what}", hint=hint) from None
    told = console()
    told.print(f"Written: {out.absolute()} (README.txt says how to use it)", markup=False)
    told.print("In TouchDesigner, open the Textport (Alt+T), and paste:", markup=False)
    told.print(f'  exec(open(r"{scripts[0]}", encoding="utf-8").read())', markup=False, soft_wrap=True)
    told.print("Not yet run inside TouchDesigner: CHECKLIST.txt is for whoever can.", style="dim")


def _of_file(patch: Path) -> SetUp:
    from ganzfeld.patch.text_file import read_text_file

    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in patch.stem)
    return set_up_of(name or "patch", str(patch.absolute()), read_text_file(patch), {})


def set_up_of(name: str, patch: str, text: str, expressions: dict[str, str]) -> SetUp:
    """The set-up of a patch's text. patch: its file, as `SetUp` has it. Raises PatchError."""
    from ganzfeld.outputs.touchdesigner import SetUp
    from ganzfeld.patch.addresses import addresses
    from ganzfeld.patch.graph import Graph
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.studio.oscquery.address_space import AddressSpace, of_patch

    graph = Graph(parse(text, patch))
    space = AddressSpace(of_patch(addresses(graph)))
    tree = space.describe("/", {slot.address: slot.initial for slot in graph.slots.values()})
    assert tree is not None
    values = {}
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if "VALUE" in node:
            values[node["FULL_PATH"]] = node.pop("VALUE")[0]
            if node["TYPE"] == "F":
                node["TYPE"] = "T"
        nodes += node.get("CONTENTS", {}).values()
    return SetUp(name, patch, tree, values, _input_of(graph), expressions)


def _input_of(graph: Graph) -> str | None:
    """The name that the patch reads pictures or a latent of another program under, if it does."""
    names = [node.structure.get("name") for node in graph.nodes.values() if node.cls.word == "shared"]
    return names[0] if names else None
