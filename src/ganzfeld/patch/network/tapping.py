"""What is looked at inside a node that plays a network, handed to whoever looks (`patch.node.NodeTap`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ganzfeld.bending.bender import Bender
from ganzfeld.bending.matching import Memory
from ganzfeld.errors import NetworkError, nearest
from ganzfeld.networks.generator import LayerPeek
from ganzfeld.networks.network import Network
from ganzfeld.patch.node import NodeTap


def peek_of(tap: NodeTap | None, network: Network) -> LayerPeek | None:
    """What `synthesis` is to show a tap of this network; None if that is nothing."""
    if tap is None or not tap.layers:
        return None
    words: dict[str, list[str]] = {}
    for word in tap.layers:
        try:
            words.setdefault(network.layer_name(word), []).append(word)
        except NetworkError as error:
            tap.misses(word, error.what)

    def show(name: str, x: Tensor) -> None:
        for word in words[name]:
            tap.layer(word, x)

    return LayerPeek(show, words) if words else None


def show_weights(
    tap: NodeTap | None, bender: Bender, amounts: Mapping[str, Any], frame: Tensor, memory: Memory
) -> None:
    """Show a tap the weights that it looks at, before and after they are bent. Within `Bender.bent`."""
    if tap is None:
        return
    for name in tap.weights:
        if name in bender.original.tensors:
            tap.weight(name, bender.original.tensors[name], bender.weight(name, amounts, frame, memory))
        else:
            tap.misses(name, f"The network has no weight '{name}'. {nearest(name, bender.original.tensors)}".strip())
