"""`ganzfeld doctor`: what works on this machine, what does not, and what to do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Annotated

import typer

from ganzfeld.cli._doctor import machine, media, python, signals, torch
from ganzfeld.cli._doctor.finding import Finding, Result

CHECKS: dict[str, Callable[[], Result]] = {
    "Python": python.check_python,
    "packages": python.check_packages,
    "PyTorch": torch.check_torch,
    "GPU": torch.check_gpu,
    "Triton": torch.check_triton,
    "video": media.check_video,
    "sound": media.check_sound,
    "other programs": media.check_hosts,
    "MIDI": signals.check_midi,
    "Ableton Link": signals.check_link,
    "OSC": signals.check_osc,
    "port": machine.check_ports,
    "page": machine.check_page,
    "cache": machine.check_cache,
    "shared memory": machine.check_shared_memory,
}
"""Every check by its name, in the order in which they are shown."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Look at this machine: what works, what does not, and what to do.

    The exit code is 0 unless something is broken that Ganzfeld cannot play without.
    """
    findings = examine()
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def examine() -> list[Finding]:
    """Every check in order. A check that itself fails is a finding, too."""
    findings = []
    for name, check in CHECKS.items():
        try:
            state, found, do = check()
        except Exception as problem:  # whatever a driver or a library raises, the others are still of interest
            state, found, do = "missing", f"{type(problem).__name__}: {problem}".splitlines()[0], ""
        findings.append(Finding(name, state, found, do))
    return findings


def _show(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ganzfeld.cli._terminal import console

    marks = {"works": Text("✓", "green"), "missing": Text("–", "yellow"), "broken": Text("✗", "bold red")}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(marks[finding.state], Text(finding.name), Text(finding.found))
        if finding.do and finding.state != "works":
            table.add_row("", "", Text("→ " + finding.do, "cyan"))
    console().print(table)
