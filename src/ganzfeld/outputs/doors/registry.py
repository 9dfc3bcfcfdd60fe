"""The kinds of door, by name: what lies in the folder `kinds/`."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

import msgspec

import ganzfeld.outputs.doors.kinds
from ganzfeld.errors import OutputError, nearest
from ganzfeld.outputs.doors.base import Door, DoorOptions


@functools.cache
def door_kinds() -> Mapping[str, type[Door]]:
    """Every kind, by its `type`."""
    found: dict[str, type[Door]] = {}
    folder = ganzfeld.outputs.doors.kinds
    for module in pkgutil.iter_modules(folder.__path__, folder.__name__ + "."):
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(member, Door) and not inspect.isabstract(member) and member.__module__ == module.name:
                found[member.type] = member
    return found


def kind_named(name: str, kinds: Mapping[str, type[Door]] | None = None) -> type[Door]:
    """The kind of that name. Raises OutputError with the nearest."""
    known = door_kinds() if kinds is None else kinds
    if name not in known:
        raise OutputError(f"there is no door of the kind '{name}'", hint=nearest(name, known))
    return known[name]


def checked_options(kind: type[Door], options: Mapping[str, Any]) -> DoorOptions:
    """Options of a kind, from texts (`"rate": "30"`) or values. Raises OutputError for what it does not take."""
    known = {field.name for field in msgspec.structs.fields(kind.Options)}
    for name in options:
        if name not in known:
            raise OutputError(f"a door of the kind '{kind.type}' has no option '{name}'", hint=nearest(name, known))
    try:
        chosen = msgspec.convert(dict(options), kind.Options, strict=False)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        where = f"the option '{place.rstrip('`')}'" if place else "an option"
        raise OutputError(f"{where} of a door of the kind '{kind.type}' cannot be that: {_lower(what)}") from None
    if chosen.alpha is not None and chosen.alpha not in kind.alphas:
        what = f"a door of the kind '{kind.type}' cannot take alpha={chosen.alpha}"
        raise OutputError(what, hint=f"It takes {' or '.join(kind.alphas)}")
    return chosen


def factory_of(kind: type[Door]) -> str:
    """How a process that imports nothing else finds the kind: "module:class"."""
    return f"{kind.__module__}:{kind.__qualname__}"


def kind_made_by(factory: str) -> type[Door]:
    """The kind again."""
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
