"""What a bend's target means: which layers or weights of a network a name or a glob matches."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.networks.config import Config
from ganzfeld.networks.network import Network
from ganzfeld.ranges import numbers

PREFIXES = ("", "synthesis.", "mapping.")


class Named(Protocol):
    """What a target is looked up in: a `Network`, or the names that its file tells. weights: name -> shape."""

    @property
    def layers(self) -> tuple[str, ...]: ...

    @property
    def weights(self) -> Mapping[str, tuple[int, ...]]: ...

    @property
    def config(self) -> Config: ...

    def layer_name(self, word: str) -> str: ...


def matches(network: Named, target: str) -> tuple[str, list[str]]:
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


def weights_of(network: Named, target: str) -> list[str]:
    """Every weight that a target reaches: by name, by glob, or all of a layer's own ("b32", "b32*", "L6", "*")."""
    names = list(network.weights)
    found = {name for prefix in PREFIXES for name in fnmatch.filter(names, prefix + target)}
    for layer in _layers(network, target):
        found |= {name for name in names if name.startswith(network.config.specs[layer].prefix)}
    if not found:
        raise NetworkError(f"the network has no layer or weight '{target}'", hint=nearest(target, _known(network)))
    return [name for name in names if name in found]


def side_of(network: Network, weight: str) -> int:
    """The resolution that a weight belongs to, in pixels of the picture: 64 of "synthesis.b64.torgb.bias". The mapping
    network, which comes before all layers, counts as the first of them."""
    specs = network.config.specs.values()
    found = (spec.rate for spec in specs if weight.startswith(spec.prefix))
    return next(found, next(iter(specs)).rate)


def rows_of(network: Network, target: str) -> tuple[int, ...]:
    """The rows of w that a target reaches, in their order: by number ("4-7", "0,3"), or those that layers read ("b32",
    "b32*", "b*.conv0", "L4", "input", "*"), or those from one to another ("L4-L7", "b16-b64"); several with commas or
    spaces. Raises `NetworkError`."""
    rows: set[int] = set()
    for part in re.split(r"[,\s]+", target.strip()):
        if part[:1].isdigit():
            rows |= _numbered_rows(network, part)
        else:
            # A dash within brackets belongs to a glob: "L[0-2]*".
            ends = [_named_rows(network, end) for end in re.split(r"-(?![^[]*\])", part, maxsplit=1)]
            both = set().union(*ends)
            rows |= both if len(ends) == 1 else set(range(min(both), max(both) + 1))
    return tuple(sorted(rows))


def _numbered_rows(network: Network, part: str) -> set[int]:
    try:
        rows = set(numbers(part, "row of w"))
    except ValueError as error:
        raise NetworkError(str(error)) from None
    if max(rows) >= network.num_ws:
        what = f"there is no row {max(rows)} of w"
        raise NetworkError(what, hint=f"This network has the rows 0 to {network.num_ws - 1}")
    return rows


def _named_rows(network: Network, part: str) -> set[int]:
    names = network.config.row_names
    wanted = part.removeprefix("synthesis.")
    # A row goes by its layer's whole name, its block's ("b32"), or its short one ("L6").
    short = [re.split(r"[._]", name)[0] for name in names]
    rows = {row for row, both in enumerate(zip(names, short)) if fnmatch.filter(both, wanted)}
    if not rows:
        raise NetworkError(f"no layer '{part}' reads w", hint=nearest(part, [*names, *short]))
    return rows


def _layers(network: Named, target: str) -> list[str]:
    found = fnmatch.filter(network.layers, target)
    if found:
        return found
    try:
        return [network.layer_name(target)]
    except NetworkError:
        return []


def _known(network: Named) -> Iterable[str]:
    return [*network.layers, *network.weights, *(name.partition(".")[2] for name in network.weights)]
