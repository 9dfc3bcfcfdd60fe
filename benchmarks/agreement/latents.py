"""What is done to w, to StyleGAN3's plane, to fine noise and to a picture's size, as the node `network` does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from agreement.item import Side
from ganzfeld.bending.directions import directions_of_w
from ganzfeld.bending.latents import LatentBender
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.networks.wide import FILLS
from ganzfeld.patch.node import Named
from ganzfeld.patch.nodes.network import _placed

Picture = Callable[[Network], Tensor]
CLASSES, CONDITIONAL_SIZE = 10, 64


def latents(network: Network) -> Mapping[str, Picture]:
    """What can be done to this network, by name."""
    size = network.resolution
    # 1920 × 1080 of a network for 1024 px.
    wide = (size * 15 // 8, size * 135 // 128)
    found: dict[str, Picture] = {
        "truncation with a cutoff": lambda it: it.synthesis(_w(it, psi=0.3, cutoff=it.num_ws // 2)),
        "psi 1.5": lambda it: it.synthesis(_w(it, psi=1.5)),
        "style mixing": _mixed,
        "a random move of some rows": lambda it: _moved(it, None, f"1-{it.num_ws // 2}", 1.5),
        "a move by row along a direction": lambda it: _moved(
            it, directions_of_w(it)[0].vector, "*", torch.linspace(-3, 3, it.num_ws, device=it.device)
        ),
    }
    if network.kind != "stylegan2":
        found["moved, turned, zoomed"] = lambda it: _on_the_plane(it, x=0.1, y=-0.2, rotate=30, zoom=1.3)
        found["zoomed out"] = lambda it: _on_the_plane(it, x=0, y=0, rotate=-75, zoom=0.5)
        found["wide"] = lambda it: it.synthesis(_w(it), size=wide)
        return found
    found["noise of a seed"] = lambda it: it.synthesis(
        _w(it), "random", noise_strength=_number(it, 3), seed=torch.tensor(7, device=it.device)
    )
    found["no noise"] = lambda it: it.synthesis(_w(it), "none")
    found["half the size"] = lambda it: it.synthesis(_w(it), resolution=size // 2)
    for fill in FILLS:
        found[f"wide, {fill}"] = lambda it, fill=fill: it.synthesis(_w(it), size=wide, fill=fill)
    return found


def conditional(kind: str, side: Side) -> Iterator[Tensor]:
    """Pictures of classes, of a mixture of two and of weights for all, by a small network that knows some."""
    if kind == "stylegan2":
        config = StyleGAN2Config.design(CONDITIONAL_SIZE, c_dim=CLASSES)
    else:
        config = StyleGAN3Config.design("stylegan3-t", CONDITIONAL_SIZE, c_dim=CLASSES)
    network = Network.random(config, seed=3).to(side.device)
    network.fast = not side.readable
    weights = torch.linspace(0, 0.2, CLASSES, device=side.device)[None]
    for label in (3, 4.3, weights):
        yield network.synthesis(network.mapping(network.latent(0), label, truncation_psi=0.8))


def _number(network: Network, number: float) -> Tensor:
    """As a patch's values arrive."""
    return torch.tensor(float(number), device=network.device)


def _w(network: Network, seed: int = 0, psi: float = 0.8, cutoff: float = 100) -> Tensor:
    return network.mapping(
        network.latent(seed), truncation_psi=_number(network, psi), truncation_cutoff=_number(network, cutoff)
    )


def _mixed(network: Network) -> Tensor:
    bender = LatentBender(network)
    bender.style("some", f"0-{network.num_ws // 3}")
    bender.style("others", "*")
    others = {"some": _w(network, 1), "others": _w(network, 2)}
    each = torch.linspace(0, 0.9, network.num_ws, device=network.device)
    amounts = {"some": Named({"amount": _number(network, 0.8)}), "others": Named({"amount": each})}
    return network.synthesis(bender.bend(_w(network), others, amounts))


def _moved(network: Network, direction: Tensor | None, rows: str, amount: float | Tensor) -> Tensor:
    bender = LatentBender(network)
    bender.move("move", rows, direction)
    bender.prepare({"move": 5})
    given = amount if isinstance(amount, Tensor) else _number(network, amount)
    return network.synthesis(bender.bend(_w(network), {}, {"move": Named({"amount": given})}))


def _on_the_plane(network: Network, **place: Any) -> Tensor:
    own = network.transform()
    assert own is not None
    return network.synthesis(
        _w(network), transform=own @ _placed(**{name: _number(network, number) for name, number in place.items()})
    )
