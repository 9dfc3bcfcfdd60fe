"""The modules that a generator is made of, from a pickled module or from a state dict alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.values import Array, Record, shown

MAX_MODULES = 5000
MAX_ITEMS = 50_000
MAX_DEPTH = 12
MAX_NAME = 100

FORK = "A fork changed the network in a way that Ganzfeld does not know."


@dataclass
class Part:
    """One module of a network.

    fields: its plain attributes; none are known of a module that comes from a state dict (`whole` is False there, and
    its buffers lie among its `parameters`).
    """

    path: str
    class_name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    buffers: Mapping[str, object] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    whole: bool = True

    def number(self, name: str, otherwise: Any = None) -> Any:
        """A field that is a number, or `otherwise` where it is missing."""
        value = _plain(self.fields.get(name, otherwise))
        if value is not None and type(value) not in (int, float, bool):
            raise NetworkFileError(f"the field '{name}' of '{self.path}' is {shown(value)}, not a number", hint=FORK)
        return value

    def numbers(self, name: str, count: int) -> list:
        """A field of `count` numbers. One number stands for `count` equal ones."""
        value = self.fields.get(name)
        if isinstance(value, Array):
            value = value.numpy().reshape(-1).tolist() if value.nbytes <= 1024 else None
        value = [value] * count if type(value) in (int, float) else value
        if isinstance(value, (list, tuple)) and len(value) == count and all(map(_is_number, value)):
            return list(value)
        raise NetworkFileError(f"the field '{name}' of '{self.path}' is not {count} numbers", hint=FORK)


def _plain(value: object) -> object:
    """A tensor of one number as that number: forks keep fields so."""
    if isinstance(value, Array) and value.shape in ((), (1,)) and not value.dtype.startswith("complex"):
        return value.numpy().reshape(-1).tolist()[0]
    return value


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def parts_of_module(root: Record) -> dict[str, Part]:
    """Every module of a pickled module by its path, top first ("")."""
    parts: dict[str, Part] = {}
    waiting = [("", root, 0)]
    items = 0
    for _ in range(MAX_MODULES):
        if not waiting:
            return parts
        path, record, depth = waiting.pop()
        state = record.state
        groups = [state.get(name, {}) for name in ("_parameters", "_buffers", "_modules")]
        if depth > MAX_DEPTH or not all(isinstance(group, dict) for group in groups):
            raise NetworkFileError(
                f"the module '{path[:80]}' of the network is not built as PyTorch builds modules", hint=FORK
            )
        items += sum(map(len, groups))
        if items > MAX_ITEMS:
            raise NetworkFileError(f"the network has more than {MAX_ITEMS:,} tensors and modules", hint=FORK)
        parameters, buffers, children = (
            {key: value for key, value in group.items() if isinstance(key, str) and len(key) <= MAX_NAME}
            for group in groups
        )
        part = Part(path, record.class_name, state, parameters, buffers)
        for name, child in children.items():
            if isinstance(child, Record):
                part.children.append(name)
                waiting.append((f"{path}.{name}" if path else name, child, depth + 1))
        parts[path] = part
    raise NetworkFileError(f"the network is made of more than {MAX_MODULES:,} modules", hint=FORK)


def parts_of_state(state: Mapping[str, Array], within: Iterable[str]) -> dict[str, Part]:
    """The modules that the names of a state dict tell of, among those that lie within the modules `within`."""
    parts = {"": Part("", "", whole=False)}
    heads = tuple(f"{head}." for head in within)
    for name, tensor in state.items():
        *path, last = name.split(".")
        if not name.startswith(heads) or len(path) > MAX_DEPTH:
            continue
        for depth in range(1, len(path) + 1):
            place, parent = ".".join(path[:depth]), ".".join(path[: depth - 1])
            if place not in parts:
                parts[place] = Part(place, "", parameters={}, whole=False)
                parts[parent].children.append(path[depth - 1])
        parts[".".join(path)].parameters[last] = tensor  # pyright: ignore[reportIndexIssue]
    return parts
