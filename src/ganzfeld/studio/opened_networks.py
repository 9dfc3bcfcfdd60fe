"""Network files as they are known by name alone: layers, weights and shapes, without their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ganzfeld.errors import GanzfeldError
from ganzfeld.networks.config import Config
from ganzfeld.networks.files import open_network_file
from ganzfeld.networks.find import find_network, shipped_names
from ganzfeld.networks.kinds import config_from_json
from ganzfeld.patch.graph import Graph, GraphNode

MOST_NETWORKS = 16


@dataclass(frozen=True)
class NetworkNames:
    """What a network file says of itself. weights: name -> shape."""

    config: Config
    weights: Mapping[str, tuple[int, ...]]

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of its layers, in the order in which they play."""
        return tuple(self.config.specs)

    def layer_name(self, word: str) -> str:
        """The whole name of a layer. Raises `NetworkError`."""
        return self.config.layer_name(word)

    def fits(self, other: NetworkNames) -> bool:
        """Whether the two can be blended: they are of one kind, and their weights have the same shapes."""
        return self.config.kind == other.config.kind and self.weights == other.weights


def file_of(node: GraphNode, graph: Graph) -> str:
    """The first of the networks that a node may play (or of the pictures that it may show), as the text names it."""
    slot = graph.slots[node.addresses["file"]]
    return str(next(iter(slot.candidates), slot.initial))


def names_in(file: str, folder: Path) -> NetworkNames | None:
    """The names in a shipped network, or in one whose path begins at `folder`; None if it cannot be read."""
    try:
        path = find_network(file) or folder / Path(file).expanduser()
        stat = path.stat()
        return _names_in(path, stat.st_mtime_ns, stat.st_size)
    except (GanzfeldError, OSError, ValueError):
        return None


@lru_cache(MOST_NETWORKS)
def _names_in(path: Path, changed: int, size: int) -> NetworkNames:
    file = open_network_file(path)
    config = config_from_json(file.config).measured(file.weights)
    return NetworkNames(config, {name: tuple(tensor.shape) for name, tensor in file.weights.items()})


def shipped_that_fit(file: str, names: NetworkNames) -> Iterator[str]:
    """The shipped networks that are built as this one."""
    for other in shipped_names():
        found = names_in(other, Path()) if other != file else None
        if found is not None and names.fits(found):
            yield other
