"""What a bend's target means: which layers or weights of a network a name or a glob matches."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.networks.network import Network

PREFIXES = ("", "synthesis.", "mapping.")


def matches(network: Network, target: str) -> tuple[str, list[str]]:
    """("activation", layer names) or ("weight", weight names), in the network's own order.

    A target is a layer ("b64", "b64.conv0", "L6"), a weight by its official name, with or without "synthesis." or
    "mapping." ("b4.const", "w_avg"), or a glob over either. A layer wins over a weight. Raises `NetworkError`.
    """
    layers = _layers(network, target)
    if layers:
        return "activation", layers
    names = list(network.weights)
    for prefix in PREFIXES:
        found = fnmatch.filter(names, prefix + target)
        if found:
            return "weight", found
    raise NetworkError(f"the network has no layer or weight '{target}'", hint=nearest(target, _known(network)))


def weights_of(network: Network, target: str) -> list[str]:
    """Every weight that a target reaches: by name, by glob, or all of a layer's own ("b32", "b32*", "L6", "*")."""
    names = list(network.weights)
    found = {name for prefix in PREFIXES for name in fnmatch.filter(names, prefix + target)}
    for layer in _layers(network, target):
        found |= {name for name in names if name.startswith(f"synthesis.{layer}.")}
    if not found:
        raise NetworkError(f"the network has no layer or weight '{target}'", hint=nearest(target, _known(network)))
    return [name for name in names if name in found]


def _layers(network: Network, target: str) -> list[str]:
    found = fnmatch.filter(network.layers, target)
    if found:
        return found
    try:
        return [network.layer_name(target)]
    except NetworkError:
        return []


def _known(network: Network) -> Iterable[str]:
    return [*network.layers, *network.weights, *(name.partition(".")[2] for name in network.weights)]
