"""What plays of a patch whose nodes and lines may be switched off: `bypass=True`, `mute=True`, `solo=True`.

The text keeps what is switched off, and so does the `Patch`; `as_played` makes the patch that a graph looks up.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ganzfeld.errors import PatchError
from ganzfeld.patch.models import MethodModel, NodeModel, Patch
from ganzfeld.patch.node import Node
from ganzfeld.patch.nodes import node_types

NODE_FLAGS = {
    "bypass": "What reads this node reads its input instead, as if the node were not there.",
    "solo": "Every output shows this node.",
}
"""What any node may be given, each True or False, and what it does."""
LINE_FLAGS = {
    "mute": "As if the line were not there.",
    "solo": "Of this node's lines of this kind, only those that are solo act.",
}
"""The same for a line `node.method(…)`."""


def passing_input(cls: type[Node]) -> str | None:
    """The input that is read in place of a node of this type when it is bypassed; None: it cannot be."""
    if cls.is_output:
        return None
    return next((name for name, declared in cls.declared_inputs().items() if declared.makes in cls.makes), None)


def as_played(patch: Patch) -> Patch:
    """The patch without what is switched off. Raises PatchError if it cannot be switched off."""
    nodes, types = patch.nodes, node_types()
    if not any(node.bypass or node.solo or any(line.mute or line.solo for line in node.methods)
               for node in nodes.values()):  # fmt: skip
        return patch
    sources = {name: _source(patch, name, types) for name, node in nodes.items() if node.bypass}
    solo = _solo(patch, types)
    if solo is not None:
        solo = sources.get(solo, solo)
    return replace(patch, nodes={name: _played(node, sources, solo, types) for name, node in nodes.items()})


def acting(lines: tuple[MethodModel, ...]) -> tuple[MethodModel, ...]:
    """The lines of a node that act."""
    alone = {line.method for line in lines if line.solo and not line.mute}
    return tuple(line for line in lines if not line.mute and (line.solo or line.method not in alone))


def _played(
    node: NodeModel, sources: Mapping[str, str], solo: str | None, types: Mapping[str, type[Node]]
) -> NodeModel:
    lines = acting(node.methods)
    silent = {line.name for line in node.methods} - {line.name for line in lines}
    inputs = {
        name: sources.get(source, source)
        for name, source in node.inputs.items()
        if name.rpartition(".")[0] not in silent
    }
    cls = types.get(node.type)
    if solo is not None and cls is not None and cls.is_output:
        inputs[next(iter(cls.declared_inputs()))] = solo
    return replace(node, inputs=inputs, methods=lines)


def _source(patch: Patch, name: str, types: Mapping[str, type[Node]]) -> str:
    """What is read in place of a node that is bypassed."""
    passed: set[str] = set()
    while name in patch.nodes and patch.nodes[name].bypass and name not in passed:
        passed.add(name)
        node = patch.nodes[name]
        cls = types.get(node.type)
        through = passing_input(cls) if cls is not None else None
        if through is None or through not in node.inputs:
            raise PatchError(
                f"{node.type} cannot be bypassed: no picture goes through it",
                where=patch.where(node.span, f"/{node.name}"),
                hint="Take bypass=True away",
            )
        name = node.inputs[through]
    return name


def _solo(patch: Patch, types: Mapping[str, type[Node]]) -> str | None:
    """The node that every output shows."""
    alone = [node for node in patch.nodes.values() if node.solo]
    if not alone:
        return None
    first, *others = alone
    if others:
        what = f"'{first.name}' and '{others[0].name}' are both solo"
        raise PatchError(what, where=patch.where(others[0].span), hint="Outputs can show one of them")
    cls = types.get(first.type)
    if cls is not None and (cls.is_output or "image" not in cls.makes):
        what = f"'{first.name}' makes no picture, so it cannot be solo"
        raise PatchError(what, where=patch.where(first.span), hint="Take solo=True away")
    return first.name
