"""Write docs/reference.md from what node types and functions declare:  python docs/make_reference.py"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ganzfeld.outputs.base import output_types
from ganzfeld.patch.examples import examples_of
from ganzfeld.patch.expressions import NAMES, known_functions
from ganzfeld.patch.node import Choice, Declares, Input, Parameter, Structure, Value
from ganzfeld.patch.nodes import node_types

TARGET = Path(__file__).with_name("reference.md")


def reference() -> str:
    """The whole page."""
    lines = ["# Reference", "", "Made by `python docs/make_reference.py`; do not edit.", "", "## Nodes", ""]
    for name, cls in sorted(node_types().items()):
        lines += [f"### {name}", "", inspect.getdoc(cls) or "", ""]
        lines += table(cls)
        lines += ["```python", *(example.text() for example in examples_of(cls)), "```", ""]
        for method in cls.methods:
            lines += [f"#### {name}.{method.method}", "", inspect.getdoc(method) or "", "", *table(method)]
    lines += ["## Names in expressions", "", "| name | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {known.doc} |" for name, known in NAMES.items()]
    lines += ["", "## Functions in expressions", ""]
    functions = sorted(known_functions().values(), key=lambda function: (function.group, function.name))
    for group, members in groupby(functions, key=lambda function: function.group):
        lines += [f"### {group}", "", "| function | meaning | example |", "|---|---|---|"]
        lines += [f"| `{each.signature}` | {_cell(each.doc)} | `{_cell(each.example)}` |" for each in members]
        lines += [""]
    lines += outputs()
    return "\n".join(lines).rstrip() + "\n"


def outputs() -> list[str]:
    """What `ganzfeld render` and `play --record` can write."""
    told = "What `ganzfeld render PATCH --out TARGET` and `ganzfeld play --record TARGET` write."
    lines = ["## Outputs", "", told, ""]
    for name, kind in sorted(output_types().items()):
        targets = ", ".join(f"`{example}`" for example in kind.examples)
        lines += [f"### {name}", "", f"For example {targets}.", "", inspect.getdoc(kind) or "", ""]
    return lines


def table(cls: type[Declares]) -> list[str]:
    """A table of what a class declares."""
    rows = [row for name, declared in cls.declared.items() for row in _row(name, declared)]
    return ["| parameter | kind | default | range or options | |", "|---|---|---|---|---|", *rows, ""] if rows else []


def _row(name: str, declared: object) -> Iterator[str]:
    if isinstance(declared, Input):
        need = "" if declared.required else ", optional"
        yield f"| `{name}` | input{need} | | {declared.makes} | {_cell(declared.doc)} |"
    elif isinstance(declared, Parameter):
        yield f"| `{name}` | {declared.kind} | {_default(declared)} | {_range(declared)} | {_cell(declared.doc)} |"


def _default(parameter: Parameter) -> str:
    default = parameter.default
    if default is None or (isinstance(default, float) and math.isnan(default)):
        return ""
    return f"`{default!r}`" if not isinstance(default, float) else f"`{default:g}`"


def _range(parameter: Parameter) -> str:
    if isinstance(parameter, Choice):
        return " ".join(f"`{option}`" for option in parameter.options or ())
    if isinstance(parameter, Structure) or not isinstance(parameter, Value):
        return ""
    low, high = parameter.range
    return f"{low:g} … {high:g} {parameter.unit}".strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
