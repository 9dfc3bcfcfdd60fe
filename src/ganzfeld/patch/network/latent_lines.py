"""The lines `network.style(…)` and `network.move(…)`: what is done to w, as the language says it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.directions import COUNT, beside, directions_of_w, read_directions
from ganzfeld.bending.latents import LatentBender
from ganzfeld.errors import FeederError, NetworkError, NetworkFileError, PatchError, nearest
from ganzfeld.networks.network import Network
from ganzfeld.patch.node import HostValue, Input, Method, MethodLine, Parameter, Seed, SetupContext, Structure, Value

_NAMED = {"direction", "file"}


def _layers(value: Any) -> str:
    given = value if isinstance(value, list | tuple) else [value]
    if all(isinstance(row, int) and row >= 0 for row in given) and given:
        return ",".join(map(str, given))
    if not isinstance(value, str) or not value:
        raise ValueError('layers by name ("b32*", "L4") or rows of w by number ("4-7", [0, 3])')
    return value


def _name(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        raise ValueError('a name in quotes: "1", "b16.3"')
    return value


class StyleMethod(Method):
    """Style mixing: some layers take their style from another latent. Coarse layers decide shapes, fine ones colours.

    On several layers `i` and `n` tell which of how many.
    """

    method = "style"

    latent = Input("latent", "The other latent.")
    layers = Structure("*", 'Layers ("b4 b8", "b*.conv0", "L4-L7"), or rows of w ("4-7", [0, 3]).', check=_layers)
    amount = Value(1, "0 is the network's own latent, 1 the other; beyond both is wanted too.", range=(0, 1),
                   limits=(-1000, 1000))  # fmt: skip
    label = HostValue(0, "The other latent's class, if it is to be another one; as the network's own `label`.",
                      vector=True, range=(0, 10))  # fmt: skip

    @classmethod
    def present(cls, given: Iterable[str]) -> dict[str, Parameter]:
        declared = cls.declared_parameters()
        return declared if "label" in given else {name: each for name, each in declared.items() if name != "label"}


class MoveMethod(Method):
    """Move in w, along a direction: what was found by `ganzfeld directions`, what others have found, or a random one.

    "1" to "20" are the directions in which a network's pictures vary most; they need no file. On several layers `i` and
    `n` tell which of how many.
    """

    method = "move"

    direction = Structure(None, "A direction by its name; without one, a random one.", check=_name)
    layers = Structure("*", 'Layers ("b4 b8", "b*.conv0", "L4-L7"), or rows of w ("4-7", [0, 3]).', check=_layers)
    amount = Value(0, "How far: 1 is a usual distance (one standard deviation).", range=(-3, 3), limits=(-1000, 1000))
    seed = Seed(0, "Which random direction: a number or a word.")
    file = Structure(None, "A file of directions (.npz, .safetensors), if not NAME.directions.npz beside the network.",
                     check=_name)  # fmt: skip

    @classmethod
    def present(cls, given: Iterable[str]) -> dict[str, Parameter]:
        absent = "file" if _NAMED.isdisjoint(given) else "seed"
        return {name: each for name, each in cls.declared_parameters().items() if name != absent}


def is_random(line: MethodLine) -> bool:
    """Whether a line moves along a random direction, so that it has a seed."""
    return line.method == "move" and _NAMED.isdisjoint(line.given)


def latent_bender(network: Network, context: SetupContext, paths: list[Path]) -> LatentBender:
    """A network's latent lines. The files they read are added to `paths`. Raises `PatchError`."""
    bender = LatentBender(network)
    for line in context.lines:
        if line.method not in ("style", "move"):
            continue
        layers = context.structure[f"{line.name}.layers"]
        try:
            if line.method == "style":
                bender.style(line.name, layers)
            else:
                bender.move(line.name, layers, _direction(network, line, context, paths))
        except NetworkError as error:
            raise context.refuse(error.what, f"{line.name}.layers", error.hint) from None
    return bender


def _direction(network: Network, line: MethodLine, context: SetupContext, paths: list[Path]) -> Tensor | None:
    if is_random(line):
        return None
    name, file = context.structure[f"{line.name}.direction"], context.structure[f"{line.name}.file"]
    path = context.resources.resolve(file) if file else beside(network.path) if network.path else None
    known: dict[str, Tensor] = {}
    bad: dict[str, FeederError] = {}
    if path is not None:
        paths.append(path)
        context.resources.asked.add(path)
        if file or path.exists():
            try:
                read = context.resources.open("directions", path, read_directions)
                known, bad = dict(read), read.bad
            except (NetworkFileError, PatchError) as error:
                place = f"{line.name}.{'file' if file else 'direction'}"
                return _none(network, context, context.refuse(error.what, place, error.hint))
    if name in bad:
        return _none(network, context, context.refuse(bad[name].what, f"{line.name}.direction", bad[name].hint))
    if file is None and name not in known and name in map(str, range(1, COUNT + 1)):
        known = {**_found(network, context), **known}
    if name is None:
        what = "a direction of the file is named"
        raise context.refuse(what, f"{line.name}.file", f"It has {', '.join(list(known)[:8])}")
    if name not in known:
        hint = nearest(str(name), known) or "Find some: ganzfeld directions NETWORK"
        refused = context.refuse(f"there is no direction '{name}'", f"{line.name}.direction", hint)
        if path is None or path.exists():
            raise refused
        return _none(network, context, refused)
    return known[name]


def _none(network: Network, context: SetupContext, refused: PatchError) -> Tensor:
    """A direction that moves nothing, where the patch does without its file; else raises `refused`."""
    context.do_without(refused)
    return torch.zeros(network.w_dim)


def _found(network: Network, context: SetupContext) -> dict[str, Tensor]:
    """The directions of w, found once for a network."""

    def find(_: Path) -> dict[str, Tensor]:
        return {direction.name: direction.vector for direction in directions_of_w(network)}

    if network.path is None:
        return find(Path())
    return context.resources.open("directions of w", network.path, find)
