"""Imports point one way: a room knows only those that docs/architecture.md lets it know."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ganzfeld

SOURCE = Path(ganzfeld.__file__).parent
NETWORKS = {"kernels", "networks"}
PATCH = NETWORKS | {"bending", "patch", "values"}
KNOWS = {
    "kernels": set(),
    "networks": NETWORKS,
    "bending": NETWORKS,
    "values": set(),
    "patch": PATCH,
    "engine": PATCH,
    "signals": {"values"},
    "outputs": {"values"},
    "rendering": PATCH | {"engine", "outputs"},
    "studio": PATCH | {"engine", "outputs", "signals", "rendering"},
    "cli": PATCH | {"engine", "outputs", "signals", "rendering", "studio"},
}


def _imported(file: Path) -> set[str]:
    """The rooms that a file imports from, also in the midst of a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {module.split(".")[1] for module in modules if module.startswith("ganzfeld.")}
    return found & KNOWS.keys()


def test_every_room_is_known() -> None:
    assert {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists()} == KNOWS.keys()


@pytest.mark.parametrize("room", KNOWS)
def test_a_room_imports_nothing_from_rooms_after_it(room: str) -> None:
    for file in (SOURCE / room).rglob("*.py"):
        if "node_modules" not in file.parts:
            assert _imported(file) <= KNOWS[room] | {room}, file
