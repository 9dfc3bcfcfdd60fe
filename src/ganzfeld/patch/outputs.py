"""The outputs of a patch: which of its nodes they are, and the same patch with an output of another size."""

from __future__ import annotations

import msgspec

from ganzfeld.patch.models import NodeModel, Patch, Term
from ganzfeld.patch.nodes import node_types


def outputs_of(patch: Patch) -> list[NodeModel]:
    """The nodes whose pictures leave the patch (`Node.is_output`), in the text's order."""
    types = node_types()
    return [node for node in patch.nodes.values() if node.type in types and types[node.type].is_output]


def with_output_size(patch: Patch, name: str, size: tuple[int, int]) -> Patch:
    """The patch, but that its output of this name is (width, height) pixels large."""
    node = patch.nodes[name]
    sized = msgspec.structs.replace(node, arguments={**node.arguments, "size": Term(text=repr(size))})
    return msgspec.structs.replace(patch, nodes={**patch.nodes, name: sized})
