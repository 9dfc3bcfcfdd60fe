"""Node types: one file each. A new file with a `Node` subclass in it is a new word of the language."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
from pathlib import Path
from typing import Any

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


def output_words() -> frozenset[str]:
    """The words of the node types that are outputs (`Node.is_output`), as `node_types` has them."""
    return _words_of("is_output")


def network_words() -> frozenset[str]:
    """The words of the node types that play a network (`Node.plays_network`), as `node_types` has them."""
    return _words_of("plays_network")


@functools.cache
def _words_of(role: str) -> frozenset[str]:
    """The words of the node types that declare a role.

    They are read from the files and not from the classes: the process that watches a patch's file needs these words,
    and importing the modules would import torch, which takes seconds.
    """
    found: set[str] = set()
    for file in Path(__path__[0]).glob("*.py"):
        source = file.read_text(encoding="utf-8")
        if role not in source:
            continue
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.ClassDef):
                given = _constants(statement)
                if given.get(role) is True:
                    found.add(given["word"])
    return frozenset(found)


def _constants(declaration: ast.ClassDef) -> dict[str, Any]:
    """The class attributes that are set to a constant."""
    return {
        target.id: statement.value.value
        for statement in declaration.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
