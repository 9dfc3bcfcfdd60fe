"""What every node that plays a network does: open it, and read latents for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from ganzfeld.errors import NetworkFileError, PatchError, nearest
from ganzfeld.networks.find import find_network, shipped_names
from ganzfeld.networks.network import Network, load_network
from ganzfeld.patch.node import SetupContext


def opened(name: Any, context: SetupContext, parameter: str) -> tuple[Path, Network]:
    """A shipped network by its name, or a file's, with its path; shared by all that name it. Raises PatchError, which
    points at `parameter`."""
    if not isinstance(name, str):
        raise context.refuse(f"A network is named in quotes, not {name!r}", parameter)
    try:
        path = find_network(name)
        if path is None and not Path(name).suffix:
            hint = nearest(name, shipped_names()) or "None ships with this version: name a file"
            raise context.refuse(f"No network named '{name}' ships with Ganzfeld", parameter, hint)
        path = path or context.resources.resolve(name)
        kind = f"network on {context.device}"
        return path, context.resources.open(kind, path, lambda path: load_network(path).to(context.device))
    except NetworkFileError as error:
        raise context.refuse(f"{Path(name).name}: {error.what}", parameter, error.hint) from error


def in_w(points: Tensor, network: Network) -> Tensor:
    """w as files hold it, [K, w_dim] or [K, 1 or num_ws, w_dim], in full."""
    points = points[:, None] if points.dim() == 2 else points
    if points.shape[2] != network.w_dim or points.shape[1] not in (1, network.num_ws):
        have, want = tuple(points.shape[1:]), (network.num_ws, network.w_dim)
        raise PatchError(f"The latent is {have} in w; the network's w is {want}")
    return points.expand(-1, network.num_ws, -1)
