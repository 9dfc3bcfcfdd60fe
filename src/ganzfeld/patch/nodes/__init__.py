"""Node types: one file each. A new file with a `Node` subclass in it is a new word of the language."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from ganzfeld.patch.node import Node


@functools.cache
def node_types() -> dict[str, type[Node]]:
    """Every node type by its word, found in this folder."""
    found: dict[str, type[Node]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for member in vars(module).values():
            if isinstance(member, type) and issubclass(member, Node) and member.__module__ == module.__name__:
                found[member.word] = member
    return found
