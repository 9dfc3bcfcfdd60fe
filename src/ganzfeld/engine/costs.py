"""What the nodes of a patch say they will cost, gathered in the order in which it becomes known (`patch.costs`)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ganzfeld.networks.device import device_memory
from ganzfeld.patch.costs import Cost, Ledger, limits
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.node import Named, Node

_BYTES_OF_A_PIXEL = 16


def ledger_of(device: torch.device, *, render: bool) -> Ledger:
    """An empty ledger with a device's limits. render: for files, so that no show needs the memory beside it."""
    return Ledger(limits(device_memory(device), card=device.type == "cuda", render=render))


def written_costs(graph: Graph, ledger: Ledger) -> None:
    """What the text alone says. Raises PatchError if it is too much."""
    nodes = graph.nodes.values()
    costs = [(node.cls.cost(Named(node.structure)), node.place("size")) for node in nodes]
    ledger.spend_all(costs + [(Cost(lines=1), line) for node in nodes for line in node.lines.values()])


def picture_costs(graph: Graph, nodes: Mapping[str, Node], ledger: Ledger) -> None:
    """What pictures take on their way through a patch that is set up: each stays until the frame's end, and while a
    node works it holds several. Raises PatchError if it is too much."""
    own = {
        name: width * height
        for name, node in nodes.items()
        for width, height in [node.picture_size(Named(graph.nodes[name].structure)) or (0, 0)]
    }
    made, asked = dict(own), dict(own)  # from what is read, and from who reads
    for name in graph.node_order:
        sources = graph.nodes[name].inputs.values()
        made[name] = own[name] or max((made[source] for source in sources), default=0)
    for name in reversed(graph.node_order):
        for source in graph.nodes[name].inputs.values():
            asked[source] = own[source] or max(asked[source], asked[name])
    for name, node in nodes.items():
        if "image" in node.makes or node.is_output:
            count = max(made[name], asked[name])
            held = 0 if node.is_output else _BYTES_OF_A_PIXEL * count
            ledger.spend(Cost(held=held, at_once=node.bytes_per_pixel * count), graph.nodes[name].where)
