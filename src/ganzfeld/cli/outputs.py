"""`ganzfeld outputs`: where pictures can go from here."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ganzfeld.outputs.doors.base import Door


def outputs(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    files: Annotated[
        Path | None,
        typer.Option(help="Write what other programs read pictures with (C and Python) into this folder."),
    ] = None,
) -> None:
    """List the kinds of doors that `ganzfeld play --to` opens, what of each is found here, and what is missing."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.outputs.doors.registry import door_kinds
    from ganzfeld.outputs.doors.rig import rig_names

    if files is not None:
        from ganzfeld.outputs.shared import write_files

        for path in write_files(files):
            console().print(str(path), markup=False)
        return
    kinds = [door_kinds()[name] for name in sorted(door_kinds())]
    listed = [_facts(kind) for kind in kinds]
    if as_json:
        print(json.dumps({"kinds": listed, "rigs": rig_names()}, indent=2, ensure_ascii=False))
        return
    _print(listed, rig_names())


def _facts(kind: type[Door]) -> dict[str, Any]:
    from ganzfeld.errors import OutputError
    from ganzfeld.values.status import Problem

    missing, found = kind.missing(), []
    if missing is None:
        try:
            found = kind.found()
        except OutputError as error:
            missing = Problem.of(error)
    about = inspect.getdoc(kind) or ""
    return {
        "kind": kind.type,
        "about": about,
        "options": _options(kind),
        "alpha": list(kind.alphas),
        "untried": kind.untried,
        "found": found,
        "missing": missing.what if missing else "",
        "mend": missing.hint if missing else "",
    }


def _options(kind: type[Door]) -> str:
    """What the kind's own options mean."""
    from ganzfeld.outputs.doors.base import DoorOptions

    return " ".join((inspect.getdoc(kind.Options) or "").split()) if kind.Options is not DoorOptions else ""


def _print(listed: list[dict[str, Any]], rigs: list[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ganzfeld.cli._terminal import console

    table = Table.grid(padding=(0, 2, 1, 0))
    for facts in listed:
        about = Text(facts["about"])
        if facts["options"]:
            about.append(f"\n{facts['options']}", "dim")
        about.append(f"\nalpha: {', '.join(facts['alpha'])}", "dim")
        if facts["untried"]:
            about.append(f"\n{facts['untried']}", "yellow")
        for line in facts["found"]:
            about.append(f"\n{line}", "green")
        if facts["missing"]:
            about.append(f"\nmissing: {facts['missing']}", "red")
            about.append(f"\ndo: {facts['mend']}", "green")
        table.add_row(Text(facts["kind"], "bold red" if facts["missing"] else "bold"), about)
    out = console()
    out.print(table)
    out.print(
        "Every door takes a region [x,y,width,height] after its target, and the options rate=, alpha=, master=",
        markup=False,
    )
    out.print("Open one: ganzfeld play organ.ganz --to wall=window:2 (wall: an output of the patch)", markup=False)
    out.print("A picture in a browser (OBS, a kiosk) needs no door: open /output of the studio", markup=False)
    if rigs:
        out.print(f"Rigs: {', '.join(rigs)} (ganzfeld play … --rig NAME)", markup=False)
