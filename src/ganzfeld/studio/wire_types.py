"""Writes the page's types, `web/src/live/wire.ts`, from the structs that the studio sends and takes.

    python -m ganzfeld.studio.wire_types

The file is committed; a test writes it again and compares.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from ganzfeld.studio import links, machine, map_words, sharing, show, wire
from ganzfeld.studio.brushes import BrushFile
from ganzfeld.studio.inside import Insides
from ganzfeld.studio.library.kinds import FileKind
from ganzfeld.studio.library.listing import Library
from ganzfeld.studio.library.questions import Fitting
from ganzfeld.studio.library.uploads import ArrivedFile, Upload
from ganzfeld.studio.map_words import PatchMap
from ganzfeld.studio.words import Words
from ganzfeld.values import desk, document, inputs, looking, status

WIRE_TS = Path(__file__).parent / "web" / "src" / "live" / "wire.ts"
LINE_WIDTH = 110  # as in web/biome.json

_ALIASES: dict[str, Any] = {
    "Phase": status.Phase,
    "DoorState": status.DoorState,
    "TurnedBy": desk.TurnedBy,
    "Curve": desk.Curve,
    "Unit": desk.Unit,
    "When": desk.When,
    "UpdateKind": document.UpdateKind,
    "Wait": document.Wait,
    "Changes": document.Changes,
    "CommandName": show.CommandName,
    "DoorVerb": show.DoorVerb,
    "SnapshotVerb": wire.SnapshotVerb,
    "ArrivalSource": inputs.ArrivalSource,
    "Role": links.Role,
    "FileKind": FileKind,
    "Driver": map_words.Driver,
    "WireKind": map_words.WireKind,
    "ViewKind": looking.ViewKind,
    "AtDesk": wire.AtDesk,
    "AtText": wire.AtText,
    "AtPreviews": wire.AtPreviews,
    "FromPage": wire.FromPage,
    "FromStudio": wire.FromStudio,
}
"""What has a name of its own on the page, too."""
_ANSWERS = (
    Words,
    PatchMap,
    Insides,
    BrushFile,
    inputs.Inputs,
    machine.OutputsHere,
    machine.SoundsHere,
    machine.Examined,
    sharing.SharedLinks,
    Library,
    Fitting,
    Upload,
    ArrivedFile,
)
"""What the page is answered beside its WebSocket, as JSON."""
_PLAIN: dict[Any, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    bytes: "Uint8Array<ArrayBuffer>",
    types.NoneType: "null",
    Any: "unknown",
}


def wire_ts() -> str:
    """The file's text."""
    parts = [
        "/** The messages between the page and the studio. Written by `python -m ganzfeld.studio.wire_types`: edit the"
        "\n    structs in studio/wire.py and values/ instead. */",
        f"/** What `Status.rolled` is while dice roll. */\nexport const ROLLING = {_literal(status.ROLLING)};",
        _list("KINDS", "The kind of every message of the studio.", map(_kind, get_args(wire.FromStudio))),
    ]
    structs: dict[type, None] = {}
    for struct in (*get_args(wire.FromStudio), *get_args(wire.FromPage), *_ANSWERS):
        _collect(struct, structs)
    from_page = {*get_args(wire.FromPage), wire.ViewOfPage}
    parts += [_alias(name, alias) for name, alias in _ALIASES.items()]
    parts += [_interface(struct, has_defaults=struct in from_page) for struct in structs]
    return "\n\n".join(parts) + "\n"


def _collect(hint: Any, found: dict[type, None]) -> None:
    """Every struct that a type speaks of, each after those it is made of."""
    if inspect.isclass(hint) and issubclass(hint, msgspec.Struct):
        if hint not in found:
            for inner in typing.get_type_hints(hint).values():
                _collect(inner, found)
            found[hint] = None
    else:
        for inner in get_args(hint):
            _collect(inner, found)


def _kind(struct: Any) -> str:
    return struct.__struct_config__.tag


def _interface(struct: Any, *, has_defaults: bool) -> str:
    """has_defaults: whether the studio fills in what is left out."""
    hints = typing.get_type_hints(struct)
    lines = [_comment(inspect.getdoc(struct) or ""), f"export interface {struct.__name__} {{"]
    if struct.__struct_config__.tag is not None:
        lines.append(f"  kind: {_literal(_kind(struct))};")
    for field in msgspec.structs.fields(struct):
        mark = "?" if has_defaults and not field.required else ""
        lines.append(_wrapped(f"  {field.encode_name}{mark}:", hints[field.name], "    "))
    return "\n".join([*lines, "}"])


def _alias(name: str, alias: Any) -> str:
    return _wrapped(f"export type {name} =", alias, "  ", named=False)


def _wrapped(before: str, hint: Any, indent: str, *, named: bool = True) -> str:
    """A type after `before`, each of several on a line of its own if one line is too short for all."""
    line = f"{before} {typescript(hint, named=named)};"
    if len(line) <= LINE_WIDTH:
        return line
    each = _literal if get_origin(hint) is Literal else typescript
    return f"{before}\n{indent}| " + f"\n{indent}| ".join(map(each, get_args(hint))) + ";"


def _list(name: str, comment: str, values: typing.Iterable[str]) -> str:
    words = [_literal(value) for value in values]
    line = f"export const {name}: readonly string[] = [{', '.join(words)}];"
    if len(line) > LINE_WIDTH:
        line = "\n".join([f"export const {name}: readonly string[] = [", *(f"  {word}," for word in words), "];"])
    return f"/** {comment} */\n{line}"


def typescript(hint: Any, *, named: bool = True) -> str:
    """A Python type in TypeScript. Raises TypeError for one that has no counterpart here yet."""
    if named:
        for name, alias in _ALIASES.items():
            if hint == alias:
                return name
    if hint in _PLAIN:
        return _PLAIN[hint]
    if inspect.isclass(hint) and issubclass(hint, msgspec.Struct):
        return hint.__name__
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(map(_literal, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(map(typescript, arguments)))
    if origin is list or (origin is tuple and arguments[-1] is ...):
        each = typescript(arguments[0])
        return f"({each})[]" if " | " in each else f"{each}[]"
    if origin is tuple:
        return f"[{', '.join(map(typescript, arguments))}]"
    if origin is dict:
        return f"Record<{typescript(arguments[0])}, {typescript(arguments[1])}>"
    raise TypeError(f"{hint} has no type on the page")


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _comment(doc: str) -> str:
    lines = doc.splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */"
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"])


if __name__ == "__main__":
    WIRE_TS.write_text(wire_ts(), "utf-8")
