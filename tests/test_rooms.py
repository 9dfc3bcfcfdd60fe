"""Imports point one way: a room knows only those that docs/architecture.md lets it know, and no module imports itself
by way of others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ganzfeld

SOURCE = Path(ganzfeld.__file__).parent
NETWORKS = {"kernels", "networks"}
PATCH = NETWORKS | {"bending", "patch", "values", "feeders"}
ENGINE = PATCH | {"engine"}
KNOWS = {
    "kernels": set(),
    "networks": NETWORKS,
    "bending": NETWORKS | {"values", "feeders"},
    "values": set(),
    "feeders": {"values"},
    "patch": PATCH,
    "engine": PATCH,
    "takes": ENGINE,
    "process": ENGINE | {"takes", "outputs"},
    "signals": {"values", "feeders"},
    "outputs": {"values", "feeders"},
    "rendering": ENGINE | {"takes", "outputs"},
    "studio": ENGINE | {"takes", "process", "outputs", "signals", "rendering"},
    "cli": ENGINE | {"takes", "process", "outputs", "signals", "rendering", "studio"},
}


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement that runs, also in the midst of a function: not what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _statements(node)


def _name(file: Path) -> str:
    parts = ("ganzfeld", *file.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, set[str]]:
    """Every module of the package -> those that it imports."""
    files = {_name(file): file for file in SOURCE.rglob("*.py") if "node_modules" not in file.parts}
    graph = {}
    for name, file in files.items():
        found: set[str] = set()
        for node in _statements(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                # A package whose modules are imported by name is no more than their folder.
                found |= inner & files.keys() if inner <= files.keys() else inner | {node.module}
        graph[name] = (found & files.keys()) - {name}
    return graph


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_is_known() -> None:
    assert {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists()} == KNOWS.keys()


@pytest.mark.parametrize("room", KNOWS)
def test_a_room_imports_nothing_from_rooms_after_it(room: str) -> None:
    for module, imported in modules().items():
        if _room(module) == room:
            assert {_room(other) for other in imported} & KNOWS.keys() <= KNOWS[room] | {room}, module


def test_no_import_comes_back_to_where_it_began() -> None:
    graph, ended = modules(), set()

    def follow(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " imports ".join((*way[way.index(module) :], module))
        if module not in ended:
            for other in sorted(graph[module]):
                follow(other, (*way, module))
            ended.add(module)

    for module in graph:
        follow(module, ())


@pytest.mark.parametrize("room", KNOWS)
def test_a_class_name_stands_for_one_thing_in_its_room(room: str) -> None:
    seen: dict[str, str] = {}
    for file in sorted((SOURCE / room).rglob("*.py")):
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name != "Options":  # every kind of door has its own, inside
                assert node.name not in seen, f"{node.name} is in {seen[node.name]} and in {file.relative_to(SOURCE)}"
                seen[node.name] = str(file.relative_to(SOURCE))
