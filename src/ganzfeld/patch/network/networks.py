"""What every node that plays a network does: open it, and read latents and classes for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ganzfeld.errors import NetworkFileError, PatchError, Where, nearest
from ganzfeld.kernels.card import is_plain
from ganzfeld.networks.find import find_network, shipped_names
from ganzfeld.networks.network import Network, load_network
from ganzfeld.patch.node import Latent, SetupContext


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
        network = _open(path, context)
        told = [NetworkFileError(what, where=Where(str(path))) for what in network.broken]
        context.resources.notes += [each for each in told if str(each) not in map(str, context.resources.notes)]
        return path, network
    except NetworkFileError as error:
        raise context.refuse(f"{Path(name).name}: {error.what}", parameter, error.hint) from error


def _open(path: Path, context: SetupContext) -> Network:
    """The network in a file; where that cannot be opened in the midst of a show, the one that played before."""
    # What plays it is chosen once.
    resources, kind = context.resources, f"network on {context.device}{' plainly' if is_plain() else ''}"
    try:
        return resources.open(kind, path, lambda path: load_network(path).to(context.device))
    except (NetworkFileError, PatchError) as error:
        kept = resources.kept.get(path)
        if kept is None or not kept.is_file():
            raise
        network = resources.open(kind, kept, lambda path: load_network(path).to(context.device))
        what = error.what if isinstance(error, PatchError) else f"{path.name}: {error.what}"
        hint = "The network that played before plays on, until the file changes"
        resources.notes.append(NetworkFileError(what, where=Where(str(path)), hint=hint))
        return network


def classes(label: float | list[float], count: int) -> np.ndarray:
    """A class number (a fraction blends it with the next), or weights, as [1, count]: what `w_of` takes as a label."""
    row = np.zeros((1, count), np.float32)
    if isinstance(label, list):
        row[0, : len(label)] = label[:count]
        return row
    first, share = divmod(label, 1)
    row[0, int(first) % count] += 1 - share
    row[0, (int(first) + 1) % count] += share
    return row


def w_of(
    latent: Latent | None, network: Network, label: Tensor | None, psi: Tensor, cutoff: Tensor | None = None
) -> Tensor:
    """Where a latent is, truncated: w [1, num_ws, w_dim]; without one, the average. label: [1, c_dim], of a network
    that has classes."""
    if latent is None:
        return network.average_w(label)
    points = latent.points
    if latent.space == "z":
        if points.shape[-1] != network.z_dim:
            raise PatchError(f"The latent has {points.shape[-1]} numbers; the network's z has {network.z_dim}")
        labels = None if label is None else label.expand(len(points), -1)
        w = network.mapping(points, labels, truncation_psi=psi, truncation_cutoff=cutoff)
    else:
        w = network.truncate(_in_w(points, network), psi, cutoff, label)
    return w if latent.weights is None else (w * latent.weights[:, None, None]).sum(0, keepdim=True)


def _in_w(points: Tensor, network: Network) -> Tensor:
    """w as files hold it, [K, w_dim] or [K, 1 or num_ws, w_dim], in full."""
    points = points[:, None] if points.dim() == 2 else points
    if points.shape[2] != network.w_dim or points.shape[1] not in (1, network.num_ws):
        have, want = tuple(points.shape[1:]), (network.num_ws, network.w_dim)
        raise PatchError(f"The latent is {have} in w; the network's w is {want}")
    return points.expand(-1, network.num_ws, -1)
