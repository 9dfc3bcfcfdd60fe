"""Weights bent on the way to what a GPU multiplies with, against weights bent first: the same pictures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganzfeld.bending.base import bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.targets import weights_of
from ganzfeld.networks.config import Config
from ganzfeld.networks.network import Network
from ganzfeld.networks.runtime import Runtime
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.node import Named

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a card")
small = {"mapping_layers": 2, "z_dim": 32, "w_dim": 32}
CONFIGS: dict[str, Config] = {
    "stylegan2": StyleGAN2Config.design(64, channel_base=2048, channel_max=64, **small),  # type: ignore[arg-type]
    "stylegan3-t": StyleGAN3Config.design("stylegan3-t", 32, channel_base=1024, channel_max=64, **small),  # type: ignore[arg-type]
}
TARGETS = {"stylegan2": "synthesis.b*.conv?.weight", "stylegan3-t": "synthesis.L*.weight"}
WORDS = {word: next(iter(bend.amounts)) for word, bend in bends("weight").items()}


def lines(word: str, target: str, other: Network) -> list[BendLine | BlendLine]:
    bend = BendLine("bend", target, (word,), masked=True, masked_inputs=True)
    if "row" in bends("weight")[word].cuda:  # type: ignore[attr-defined]
        return [bend]  # what reads other outputs must be the first there is
    return [
        BlendLine("blend", other, target),
        bend,
        BendLine("again", target, ("scale", word), only=(0, 3, 4)),
    ]


def played(
    network: Network, word: str, asked: list[BendLine | BlendLine], monkeypatch: pytest.MonkeyPatch, *, on_the_way: bool
) -> Tensor:
    bender = Bender(network)
    for line in asked:
        bender.blend(line) if isinstance(line, BlendLine) else bender.bend(line)
    if not on_the_way:
        monkeypatch.setattr(Runtime, "bent_on_the_way", lambda self: {})
    bender.ready()
    monkeypatch.undo()
    assert bender._bent_weights is not None and bool(bender._bent_weights._on_the_way.names) == on_the_way
    neutral = {
        name: amount.default
        for kind in ("weight", "convolution")
        for bend in bends(kind).values()
        for name, amount in bend.amounts.items()
    }
    numbers = neutral | {
        "scale": 1.2,
        "channels": 0.5,
        "inputs": 0.7,
        "soft": 0.3,
        "amount": 0.4,
        word: 60 if word == "rotate" else 0.6,
    }
    values = torch.tensor(list(numbers.values()), device="cuda")
    amounts = {line.name: Named(dict(zip(numbers, values))) for line in asked}
    bender.prepare({line.name: 3 for line in asked})
    frame = torch.zeros((), dtype=torch.int64, device="cuda")
    pictures = []
    for _ in range(2):
        with bender.bent(amounts, frame, lambda name, shape: torch.zeros(shape, device="cuda")) as live:
            pictures.append(live.synthesis(live.mapping(network.latent(1))))
    assert torch.equal(*pictures)
    return pictures[0]


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("word", WORDS)
def test_the_pictures_are_the_same(kind: str, word: str, monkeypatch: pytest.MonkeyPatch):
    config, target = CONFIGS[kind], TARGETS[kind]
    network, other = Network.random(config, seed=1).to("cuda"), Network.random(config, seed=2).to("cuda")
    before = {name: tensor.clone() for name, tensor in network.tensors.items()}
    plain = network.synthesis(network.mapping(network.latent(1)))
    asked = lines(word, target, other)
    found, expected = (played(network, WORDS[word], asked, monkeypatch, on_the_way=way) for way in (True, False))
    assert (found - expected).norm() / expected.norm() < 8e-3
    assert (found - plain).norm() / plain.norm() > 2e-2
    assert all(torch.equal(network.tensors[name], tensor) for name, tensor in before.items())
    assert torch.equal(network.synthesis(network.mapping(network.latent(1))), plain)


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("mode", ["lerp", "add", "a number each"])
def test_a_blend_of_everything_is_the_network_of_blended_tensors(kind: str, mode: str):
    network, other = (Network.random(CONFIGS[kind], seed=seed).to("cuda") for seed in (1, 2))
    bender = Bender(network)
    bender.blend(BlendLine("blend", other, "*", "add" if mode == "add" else "lerp"))
    bender.ready()
    count = len(bender.matched["blend"])
    each = torch.linspace(-0.3, 0.8, count) if mode == "a number each" else torch.full((count,), 0.3)
    amount = each.cuda() if mode == "a number each" else each[0].cuda()
    tensors, names = dict(network.tensors), weights_of(network, "*")
    for name, share in zip(names, each.tolist()):
        change = other.tensors[name] if mode == "add" else other.tensors[name] - tensors[name]
        if not torch.equal(other.tensors[name], tensors[name]) or mode == "add":
            tensors[name] = tensors[name] + share * change
    expected = Network(network.config, tensors)
    with bender.bent({"blend": Named({"amount": amount})}, torch.zeros((), device="cuda"), torch.zeros) as live:  # type: ignore[arg-type]
        w = live.mapping(network.latent(1), truncation_psi=0.7)
        picture = live.synthesis(w)
    wanted = expected.mapping(network.latent(1), truncation_psi=0.7)
    assert (w - wanted).norm() / wanted.norm() < 1e-4
    # Sums of networks are loud, and much of them is cut off at the clamp.
    assert (picture - expected.synthesis(wanted)).norm() / picture.norm() < (2e-2 if mode == "add" else 6e-3)
